"""Uploads a folder as a data set to the Hugging Face hub. `HF_TOKEN` or `hf auth login` gives the user's token; `HF_ENDPOINT` chooses
another hub (one without Xet also needs `HF_HUB_DISABLE_XET=1`).

huggingface_hub uses the token itself. It is read here only to keep it out of error messages.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.pipelines.runtime.extras import require_extra


class NotPublished(Trouble):
    """The hub can't be reached, or rejects the upload."""


def require_hub() -> None:
    """Raises Mistake if huggingface_hub is missing, NotPublished if the user's token is."""
    require_extra("hub", "publishing (other than by `--dry-run --out FOLDER`)")
    from huggingface_hub import get_token

    if not get_token():
        raise NotPublished("publishing needs a token: log in with `hf auth login`, or set HF_TOKEN to a token with write access")


def upload(folder: Path, repo: str) -> str:
    """Makes the data set equal to the folder and returns the commit. The data set is created if needed, and its old data files are deleted.
    Raises NotPublished; run again, it resumes."""
    require_hub()
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    try:
        api.create_repo(repo, repo_type="dataset", exist_ok=True)
        commit = api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder, delete_patterns="data/**",
                                   commit_message="Published with lean-alchemy")
    except Exception as error:  # the hub, HTTP and the file storage each raise errors of their own
        raise NotPublished(_explanation(error, repo, urlsplit(api.endpoint).hostname or "")) from None
    return commit.oid


def _explanation(error: BaseException, repo: str, host: str) -> str:
    """The error in a sentence, without the token."""
    from huggingface_hub import get_token

    causes = [error]
    while causes[-1].__cause__ is not None:  # the upload wraps the original error
        causes.append(causes[-1].__cause__)
    refused = next((cause for cause in causes if getattr(cause, "response", None) is not None), None)
    match getattr(getattr(refused, "response", None), "status_code", None):
        case None:
            message = f"can't publish {repo} at {host}: {type(causes[-1]).__name__}: {causes[-1]}"
        case 401:
            message = f"{host} does not accept the token: log in with `hf auth login`, or set HF_TOKEN to one that may write to {repo}"
        case 403:
            owner = repo.partition("/")[0]
            message = f"{host} does not let this token write to {repo}: use a token with write access, of a member of {owner}"
        case status:
            message = f"{host} rejects {repo} with status {status}: {getattr(refused, 'server_message', None) or refused}"
    return " ".join(message.split()).replace(get_token() or "\0", "…")[:500]
