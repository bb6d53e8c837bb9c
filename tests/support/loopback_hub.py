"""A local server with the part of the Hugging Face Hub that an upload uses."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_onlyTheHubMayKnowThis"


class Hub(ThreadingHTTPServer):
    """files: the files of the repository, by name; at first an old shard. Clients with TOKEN may write."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, bytes] = {"data/variants/train-00000-of-00002.parquet": b"old", ".gitattributes": b""}
        self.stored: dict[str, bytes] = {}
        self.refusal: int | None = None
        """Answers every request with this status."""

    def answer(self, path: str, body: bytes, token: str | None) -> tuple[int, object]:
        if self.refusal:
            return self.refusal, {"error": f"no, {token}"}
        if path.startswith("/store/"):
            self.stored[path.removeprefix("/store/")] = body
            return 200, {}
        if path != "/api/agent-harnesses" and token != f"Bearer {TOKEN}":
            return 401, {"error": "who are you?"}
        if path == "/api/repos/create":
            assert json.loads(body)["type"] == "dataset"
            return 200, {"url": f"{self.url}/datasets/owner/name"}
        if "/tree/" in path:
            return 200, [{"type": "file", "path": name, "size": len(file), "oid": "0"} for name, file in self.files.items()]
        if "/preupload/" in path:
            return 200, {"files": [{"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                                    "shouldIgnore": False} for file in json.loads(body)["files"]]}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"objects": [{**o, "actions": {"upload": {"href": f"{self.url}/store/{o['oid']}"}}}
                                     for o in json.loads(body)["objects"]]}
        if "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                self.take(line["key"], line["value"])
            return 200, {"commitUrl": f"{self.url}/datasets/owner/name/commit/c0ffee", "commitOid": "c0ffee"}
        return 200, {}

    def take(self, key: str, value: dict) -> None:
        match key:
            case "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                self.files[value["path"]] = self.stored[value["oid"]]
            case "deletedFile":
                del self.files[value["path"]]


class Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, said = self.server.answer(self.path.partition("?")[0], body, self.headers.get("authorization"))
        answer = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_HEAD = do_POST

    def log_message(self, *_: object) -> None:
        pass
