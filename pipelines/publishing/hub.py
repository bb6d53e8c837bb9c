"""The Hugging Face hub: a folder goes up as a data set. `HF_ENDPOINT` names another hub (one without Xet wants `HF_HUB_DISABLE_XET=1`),
`HF_TOKEN` or `hf auth login` says who asks.

The token is the library's business: it is read here only to keep it out of messages.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from lean_alchemy.lean_workspace.errors import Trouble


class NotPublished(Trouble):
    """The hub can't be reached, or refuses."""


def require() -> None:
    """Raises NotPublished where the hub can't be asked: no library, no token."""
    try:
        from huggingface_hub import get_token
    except ImportError:
        raise NotPublished("publishing needs the package huggingface_hub: install it with `pip install huggingface_hub`, or use "
                           "`--dry-run --out FOLDER` and upload that folder by other means") from None
    if not get_token():
        raise NotPublished("the hub has to know who publishes: log in with `hf auth login`, or set HF_TOKEN to a token that may write")


def upload(folder: Path, repo: str) -> str:
    """The commit that made the data set what the folder is: made where there is none, and rid of data files of before. Raises NotPublished;
    run again, it goes on where it stopped."""
    require()
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    try:
        api.create_repo(repo, repo_type="dataset", exist_ok=True)
        made = api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder, delete_patterns="data/**",
                                 commit_message="Published with lean-alchemy")
    except Exception as error:  # of the hub, of HTTP, of what stores the files: each has errors of its own
        raise NotPublished(_told(error, repo, urlsplit(api.endpoint).hostname or "")) from None
    return made.oid


def _told(error: BaseException, repo: str, host: str) -> str:
    """What went wrong, in a sentence."""
    from huggingface_hub import get_token

    causes = [error]
    while causes[-1].__cause__ is not None:  # an upload wraps what went wrong with it
        causes.append(causes[-1].__cause__)
    refused = next((cause for cause in causes if getattr(cause, "response", None) is not None), None)
    match refused and refused.response.status_code:
        case None:
            said = f"can't publish {repo} at {host}: {type(causes[-1]).__name__}: {causes[-1]}"
        case 401:
            said = f"{host} does not know the token: log in with `hf auth login`, or set HF_TOKEN to one that may write to {repo}"
        case 403:
            said = f"{host} does not let this token write to {repo}: it must have the right to, and {repo.partition('/')[0]} be yours"
        case status:
            said = f"{host} answers {status} and does not take {repo}: {getattr(refused, 'server_message', None) or refused}"
    return " ".join(said.split()).replace(get_token() or "\0", "…")[:500]
