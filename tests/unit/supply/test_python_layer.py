from __future__ import annotations

from pathlib import Path

import pytest

from infra.supply.errors import BadImage
from infra.supply.python_layer import installed, leave_out, needs_own_tests, relocate, tidied_record, tidy
from tests.unit.supply.fakes import make_tree, read_tree

LAUNCHERS = {
    "a short path": "#!/home/me/.venv/bin/python\n# -*- coding: utf-8 -*-\nimport sys\n",
    "a long path": (
        "#!/bin/sh\n'''exec' '/home/me/a long path/python3' \"$0\" \"$@\"\n' '''\n# -*- coding: utf-8 -*-\nimport sys\n"
    ),
    "the images' own": "#!/usr/bin/python3\n# -*- coding: utf-8 -*-\nimport sys\n",
}


@pytest.mark.parametrize("case", LAUNCHERS)
def test_launchers_start_the_images_python(case: str, tmp_path: Path) -> None:
    script = tmp_path / "mlflow"
    script.write_text(LAUNCHERS[case])
    script.chmod(0o755)
    relocate(script)
    assert script.read_text() == "#!/usr/bin/python3\n# -*- coding: utf-8 -*-\nimport sys\n"
    assert script.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("content", ["#!/bin/sh\nexec something\n", "\x7fELF", "import sys\n"])
def test_other_programs_stay_as_they_are(content: str, tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text(content)
    relocate(script)
    assert script.read_text() == content


def test_a_record_names_what_is_there_in_order_and_no_hash_of_a_changed_launcher(tmp_path: Path) -> None:
    make_tree(tmp_path, {"bin/mlflow": "x", "mlflow/a.py": "x", "mlflow/b.py": "x"})
    record = (
        "mlflow/tests/test_a.py,sha256=3,1\n../../bin/mlflow,sha256=1,10\nbin/mlflow,sha256=1,10\n"
        'mlflow/b.py,sha256=2,1\n"mlflow/a.py",sha256=4,1\n'
    )
    assert tidied_record(record, tmp_path) == (
        "bin/mlflow,,\nbin/mlflow,,\nmlflow/a.py,sha256=4,1\nmlflow/b.py,sha256=2,1\n"
    )


def test_what_images_do_not_need_is_left_out(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a/include/x.h": "", "a/code.py": "", "a/notes.txt": "", "b/include/y.h": ""})
    leave_out(tmp_path, ("a/include", "a/*.txt"))
    assert set(read_tree(tmp_path)) == {"a", "a/code.py", "b", "b/include", "b/include/y.h"}


def test_a_glob_that_fits_nothing_is_told(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a/code.py": ""})
    with pytest.raises(BadImage, match="'a/include'"):
        leave_out(tmp_path, ("a/include",))


NEEDS = {
    "code imports its tests": ({"a.py": "from numpy.tests import helper\n", "tests/helper.py": ""}, True),
    "code imports a test package": ({"a.py": "import pkg.test.support\n"}, True),
    "only tests import tests": ({"a.py": "x = 1\n", "tests/test_a.py": "from pkg.tests import x\n"}, False),
    "a name that only begins so": ({"a.py": "from pkg.testing import x\nimport pkg.contests\n"}, False),
    "the word in a comment": ({"a.py": "# import the tests\n"}, False),
}


@pytest.mark.parametrize("case", NEEDS)
def test_tests_stay_where_code_imports_them(case: str, tmp_path: Path) -> None:
    tree, expected = NEEDS[case]
    assert needs_own_tests(make_tree(tmp_path, tree)) is expected


def test_a_tree_is_made_smaller_and_independent_of_where_it_was_made(tmp_path: Path) -> None:
    target = make_tree(
        tmp_path,
        {
            ".lock": "",
            "bin/tool": "#!/home/me/bin/python3\nimport sys\n",
            "pkg/__init__.py": "",
            "pkg/tests/test_a.py": "",
            "odd/__init__.py": "from odd.tests import x\n",
            "odd/tests/__init__.py": "x = 1\n",
            "tests/__init__.py": "a top-level package of that name\n",
            "pkg-1.0.dist-info/RECORD": "pkg/__init__.py,,\npkg/tests/test_a.py,,\n",
            "pkg-1.0.dist-info/direct_url.json": "{}",
        },
    )
    tidy(target)
    assert {name: content for name, content in read_tree(target).items() if content is not None} == {
        "bin/tool": "#!/usr/bin/python3\nimport sys\n",
        "pkg/__init__.py": "",
        "odd/__init__.py": "from odd.tests import x\n",
        "odd/tests/__init__.py": "x = 1\n",
        "tests/__init__.py": "a top-level package of that name\n",
        "pkg-1.0.dist-info/RECORD": "pkg/__init__.py,,\n",
    }
    assert installed(target) == [["pkg", "1.0"]]
