"""OUT belongs to one command, its options and its clock; what is damaged in it is reported."""

import pytest

from lean_alchemy.pipelines.corpus.options import Options, TargetOptions
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import UsageError

CORPUS = Options(library=["Init"], kinds=["rw"], targets=5)
HARVEST = TargetOptions(library=["Init"], targets=5)


def begin(out, options) -> None:
    job = Job(out, options)
    with job.begin():
        job.accept()


@pytest.mark.parametrize(("first", "second"), [(CORPUS, HARVEST), (HARVEST, CORPUS)])
def test_a_folder_of_another_command_is_refused(tmp_path, first, second):
    begin(tmp_path / "out", first)
    begin(tmp_path / "out", first)
    with pytest.raises(UsageError, match="out was made by another command of alchemy: use another folder"):
        begin(tmp_path / "out", second)


def test_other_options_are_named(tmp_path):
    begin(tmp_path / "out", CORPUS)
    with pytest.raises(UsageError, match=r"kinds was \['rw'\], is \['apply'\]"):
        begin(tmp_path / "out", Options(library=["Init"], kinds=["apply"], targets=5))
    begin(tmp_path / "out", Options(library=["Init"], kinds=["rw"], targets=50))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]"])
def test_damaged_options_are_named(tmp_path, content):
    begin(tmp_path / "out", CORPUS)
    (tmp_path / "out" / ".work" / "options.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"options.json is damaged .*: use another folder, or remove the file"):
        begin(tmp_path / "out", CORPUS)


@pytest.mark.parametrize("content", [b"", b"many", b"12.5"])
def test_the_clock_of_earlier_runs_goes_on_and_may_be_damaged(tmp_path, content):
    begin(tmp_path / "out", CORPUS)
    (tmp_path / "out" / ".work" / "seconds.json").write_bytes(content)
    job = Job(tmp_path / "out", CORPUS)
    with job.begin():
        seconds = job.note_seconds()
    assert (12.5 if content == b"12.5" else 0) <= seconds < 14
