from __future__ import annotations

import os

import pytest

from infra.supply import process
from infra.supply.errors import BuildFailed, DiskFull, LockMismatch, NeedsRoot, RegistryUnreachable, SupplyError

SAMPLES: dict[str, tuple[str, type[SupplyError]]] = {
    "apt without a name server": (
        "Err:1 http://deb.example.com/debian trixie InRelease\n  Could not resolve 'deb.example.com'\n"
        "E: Failed to fetch http://deb.example.com/debian/dists/trixie/InRelease  Could not resolve 'deb.example.com'\n"
        "E: Some index files failed to download. They have been ignored, or old ones used instead.",
        RegistryUnreachable,
    ),
    "mmdebstrap without a mirror": (
        "Err:1 http://127.0.0.1:9/debian trixie InRelease\n"
        "  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)\n"
        "E: apt-get update --error-on=any -oAPT::Status-Fd=<$fd> -oDpkg::Use-Pty=false failed\n"
        "E: mmdebstrap failed to run",
        RegistryUnreachable,
    ),
    "uv without a name server": (
        "error: Request failed after 1 retry in 1.1s\n  cause: Failed to fetch: https://pypi.example.com/simple/idna/\n"
        "  cause: error sending request for url (https://pypi.example.com/simple/idna/)\n"
        "  cause: client error (Connect)\n  cause: dns error\n  cause: error resolving DNS",
        RegistryUnreachable,
    ),
    "another file than locked": (
        "error: Failed to download `idna==3.10`\n  cause: Hash mismatch for `idna==3.10`\n\n"
        "         Expected:\n           sha256:0000\n\n         Computed:\n           sha256:946d",
        LockMismatch,
    ),
    "a package without hashes": (
        "error: In `--require-hashes` mode, all requirements must have a hash, but none were provided for: idna==3.10",
        LockMismatch,
    ),
    "a package without wheels": (
        "error: No solution found when resolving dependencies\n  cause: Because pyspark==3.5.0 has no usable "
        "wheels and you require pyspark==3.5.0, we can conclude that your requirements are unsatisfiable.\n\n"
        "hint: Wheels are required for `pyspark` because building from source is disabled for all packages "
        "(i.e., with `--no-build`)",
        LockMismatch,
    ),
    "a full disk": (
        "dpkg: error processing archive libicu76.deb (--unpack):\n cannot copy extracted data: failed to write "
        "(No space left on device)",
        DiskFull,
    ),
    "a package that does not exist": ("E: Unable to locate package nginx-lite", BuildFailed),
}
"""The end of what the programs said in each case, as recorded; addresses of registries changed."""


@pytest.mark.parametrize("case", SAMPLES)
def test_what_a_program_said_becomes_a_cause_and_a_remedy(case: str) -> None:
    output, kind = SAMPLES[case]
    error = process.explain("the layer", output)
    assert type(error) is kind
    assert "the layer" in str(error)


def test_messages_keep_the_programs_words_but_no_credentials() -> None:
    message = str(process.explain("x", "E: Failed to fetch https://user:secret@deb.example.com/debian/a.deb"))
    assert "secret" not in message
    assert "https://deb.example.com/debian/a.deb" in message


def test_programs_learn_how_to_reach_registries_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"https_proxy": "http://proxy", "SSL_CERT_FILE": "/ca.pem", "UV_DEFAULT_INDEX": "https://pypi.example.com"}
    dropped = {
        "PIP_INDEX_URL": "x",
        "PYTHONPATH": "/x",
        "VIRTUAL_ENV": "/x",
        "UV_TARGET": "/x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    for name, value in (kept | dropped).items():
        monkeypatch.setenv(name, value)
    found = process.host_environment()
    assert kept.items() <= found.items()
    assert not dropped.keys() & found.keys()


def test_a_missing_program_is_named() -> None:
    with pytest.raises(BuildFailed, match="no-such-program"):
        process._run(["no-such-program"], "the layer", {"PATH": os.defpath}, None)


def test_output_of_a_failing_program_is_in_the_message() -> None:
    with pytest.raises(BuildFailed, match=r"Making the layer failed\.\nwhat it said"):
        process.run(["sh", "-c", "echo what it said; exit 3"], "the layer", {"PATH": os.defpath})


def test_building_in_a_root_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NeedsRoot, match="bundle"):
        process.require_root()
