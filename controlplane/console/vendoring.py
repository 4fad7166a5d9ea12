"""What the console takes from npm: which files, how they are cut down, and their checksums in vendor.json.

    python -m controlplane.console.vendoring check     every vendored file is the recorded one (no network)
    python -m controlplane.console.vendoring refresh   fetch the packages by name and write the files again

`refresh` keeps the versions of vendor.json and refuses a tarball whose checksum differs; `--update` takes the newest
versions instead. The style sheet holds only the components named here, without the design system's themes that the
console does not offer, and without tokens that nothing refers to. Its dark theme acts by class and, where the page
names no theme, by the browser's preference, so it needs no script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENDOR = HERE / "static" / "vendor"
MANIFEST = HERE / "vendor.json"

PATTERNFLY = "@patternfly/patternfly"
HTMX = "htmx.org"
ICONS = "@rhds/icons"
PACKAGES = (PATTERNFLY, HTMX, ICONS)

STYLES = (
    "base/patternfly-variables.css",
    "base/patternfly-common.css",
    "base/patternfly-svg-icons.css",
    *(
        f"components/{name}.css"
        for name in (
            "Alert/alert", "Breadcrumb/breadcrumb", "Button/button", "Card/card", "Check/check",
            "DescriptionList/description-list", "Divider/divider", "EmptyState/empty-state", "Form/form",
            "FormControl/form-control", "HelperText/helper-text", "Label/label", "List/list", "Masthead/masthead",
            "Nav/nav", "Page/page", "ProgressStepper/progress-stepper", "SkipToContent/skip-to-content", "Table/table",
            "Table/table-grid", "Tabs/tabs", "Title/title",
        )
    ),
    "layouts/Gallery/gallery.css",
)  # fmt: skip
COPIED = {
    PATTERNFLY: {
        "assets/fonts/RedHatText/RedHatTextVF.woff2": "fonts/RedHatTextVF.woff2",
        "assets/fonts/RedHatDisplay/RedHatDisplayVF.woff2": "fonts/RedHatDisplayVF.woff2",
        "assets/fonts/RedHatMono/RedHatMonoVF.woff2": "fonts/RedHatMonoVF.woff2",
    },
    HTMX: {
        "dist/htmx.min.js": "htmx.min.js",
        "dist/ext/hx-sse.min.js": "hx-sse.min.js",
        "LICENSE": "LICENSE-htmx.txt",
    },
    ICONS: {"LICENSE.md": "LICENSE-icons.txt"},
}
ICON_FILES = {
    "add": "ui/add-circle.svg", "audit": "ui/check-clipboard.svg", "back": "ui/caret-left.svg",
    "close": "ui/close.svg", "components": "ui/module.svg", "danger": "ui/error-fill.svg", "down": "ui/caret-down.svg",
    "danger-outline": "ui/ban.svg", "forward": "ui/caret-right.svg", "help": "ui/question-mark-circle.svg",
    "home": "ui/home.svg", "info": "ui/information-fill.svg", "key": "ui/key.svg", "lock": "ui/lock.svg",
    "menu": "ui/menu-bars.svg", "moon": "ui/asleep-fill.svg", "off": "ui/off.svg", "open": "ui/external-link.svg",
    "operations": "ui/in-progress.svg", "pause": "ui/pause-circle-fill.svg", "pending": "ui/pending.svg",
    "person": "ui/profile.svg", "play": "ui/play.svg", "requests": "ui/comment.svg", "retry": "ui/redo.svg",
    "search": "ui/search.svg", "settings": "ui/settings.svg", "sort": "ui/arrow-up-down.svg",
    "sort-down": "ui/arrow-down.svg", "sort-up": "ui/arrow-up.svg",
    "success": "ui/check-circle-fill.svg", "sun": "ui/brightness-up-fill.svg",
    "sync": "ui/sync.svg", "tenants": "ui/users.svg", "trash": "ui/trash.svg", "warning": "ui/warning-fill.svg",
    "auto": "ui/auto-light-dark-mode.svg", "workspaces": "ui/container.svg", "check": "ui/check.svg",
}  # fmt: skip

NOTICE = """\
patternfly.css and fonts/ are made from @patternfly/patternfly, copyright Red Hat, Inc. and PatternFly contributors,
under the MIT licence. The Red Hat fonts are copyright The Red Hat Project Authors, under the SIL Open Font License 1.1.

icons.svg is made from @rhds/icons, copyright Red Hat, Inc. The icons are under CC BY 4.0, the package under the MIT
licence of LICENSE-icons.txt. They were joined into one file; fill and style attributes were removed.

htmx.min.js and hx-sse.min.js come from htmx.org unchanged; LICENSE-htmx.txt applies.

Versions and checksums are in vendor.json.
"""

_RULE = re.compile(r"[^{}]+\{[^{}]*\}")
_UNUSED_THEMES = ("theme-felt", "theme-glass", "theme-high-contrast")
_DARK = ":root:where(.pf-v6-theme-dark)"
_DARK_BY_PREFERENCE = ":root:where(:not(.pf-v6-theme-light))"


class VendoringError(Exception):
    """A vendored file or a fetched package is not what vendor.json says."""


@dataclass(frozen=True)
class Package:
    """One npm package at a version; `sha256` is of its tarball."""

    name: str
    version: str
    sha256: str
    license: str


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def themes(css: str) -> str:
    """The tokens of the light and dark theme only, the dark ones also under the browser's preference."""
    kept = [r for r in _RULE.findall(css) if not any(theme in r.split("{")[0] for theme in _UNUSED_THEMES)]
    dark = [r.replace(_DARK, _DARK_BY_PREFERENCE) for r in kept if _DARK in r]
    return "\n".join([*kept, "@media (prefers-color-scheme: dark) {", *dark, "}"])


def drop_unused_tokens(css: str) -> str:
    """Leaves out properties of components and colours of the palette that no `var()` of the sheet refers to.

    Global tokens (`--pf-t--global--…`) all stay: they are the vocabulary of the console's own style sheet.
    """
    declared = re.compile(r"(?<=[{;\s])(--pf-(?!t--global--)[\w-]+)\s*:[^;{}]*;")
    while unused := set(declared.findall(css)) - set(re.findall(r"var\(\s*(--pf-[\w-]+)", css)):
        css = declared.sub(_without(unused), css)
    return css


def _without(names: set[str]) -> Callable[[re.Match[str]], str]:
    return lambda match: "" if match[1] in names else match[0]


def minify(css: str) -> str:
    """Without comments and white space that carries no meaning."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r"\s*([{};,])\s*", r"\1", css)
    css = re.sub(r"(?<=[{;])([\w-]+)\s*:\s*", r"\1:", css)
    css = re.sub(r"[^{};]+\{\s*\}", "", css)
    return css.replace(";}", "}").replace("}", "}\n")


def reset(package: Path) -> str:
    """What the whole sheet sets for bare elements: it is in no file of its own, only at the head of the base sheet."""
    whole, rest = ((package / f"patternfly-base{kind}.css").read_text() for kind in ("", "-no-globals"))
    if not whole.endswith(rest):
        raise VendoringError("patternfly-base.css is no longer a head followed by patternfly-base-no-globals.css")
    return whole.removesuffix(rest)


def style_sheet(package: Path) -> str:
    parts = [reset(package)]
    for name in STYLES:
        text = (package / name).read_text()
        parts.append(themes(text) if name.endswith("patternfly-variables.css") else text)
    return minify(drop_unused_tokens("\n".join(parts)))


def icon_sprite(package: Path) -> str:
    """One SVG of symbols `i-<name>` that follow the text's colour."""
    symbols = []
    for name, file in sorted(ICON_FILES.items()):
        text = (package / file).read_text()
        text = re.sub(r"<!--.*?-->|<\?xml[^>]*>", "", text, flags=re.DOTALL)
        match = re.fullmatch(r'\s*<svg[^>]*?viewBox="([^"]+)"[^>]*>(.*)</svg>\s*', text, re.DOTALL)
        if match is None:
            raise VendoringError(f"{file} is not a plain SVG with a viewBox; choose another icon for {name!r}")
        body = re.sub(r'\s(?:fill|class|style)="[^"]*"', "", match[2])
        symbols.append(f'<symbol id="i-{name}" viewBox="{match[1]}">{body.strip()}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _npm_pack(name: str, version: str | None, folder: Path) -> Path:
    target = f"{name}@{version}" if version else name
    done = subprocess.run(
        ["npm", "--loglevel=error", "pack", "--json", target], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise VendoringError(f"npm could not fetch {target}: {done.stderr.strip()[-500:]}")
    reported: Any = json.loads(done.stdout)
    entry = reported[0] if isinstance(reported, list) else next(iter(reported.values()))
    return folder / str(entry["filename"])


def _fetch(name: str, recorded: Package | None, folder: Path) -> tuple[Package, Path]:
    archive = _npm_pack(name, recorded.version if recorded else None, folder)
    found = sha256(archive.read_bytes())
    if recorded and recorded.sha256 != found:
        raise VendoringError(f"{name} {recorded.version} has checksum {found}, vendor.json says {recorded.sha256}")
    target = folder / name.replace("/", "+")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    root = target / "package"
    described = json.loads((root / "package.json").read_text())
    return Package(name, described["version"], found, described["license"]), root


def read_manifest() -> tuple[dict[str, Package], dict[str, str]]:
    """Packages by name, and checksum by path below static/vendor."""
    content = json.loads(MANIFEST.read_text())
    packages = {p["name"]: Package(**p) for p in content["packages"]}
    return packages, {f["path"]: f["sha256"] for f in content["files"]}


def refresh(*, update: bool) -> list[Package]:
    recorded, _ = read_manifest()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fetched = {p: _fetch(p, None if update else recorded.get(p), folder) for p in PACKAGES}
        files: dict[str, bytes] = {
            "patternfly.css": style_sheet(fetched[PATTERNFLY][1]).encode(),
            "icons.svg": icon_sprite(fetched[ICONS][1]).encode(),
            "NOTICE.txt": NOTICE.encode(),
        }
        for package, copies in COPIED.items():
            for source, target in copies.items():
                files[target] = (fetched[package][1] / source).read_bytes()
    for old in [p for p in VENDOR.rglob("*") if p.is_file()]:
        old.unlink()
    for path, data in files.items():
        (VENDOR / path).parent.mkdir(parents=True, exist_ok=True)
        (VENDOR / path).write_bytes(data)
    packages = [fetched[p][0] for p in PACKAGES]
    manifest = {
        "packages": [vars(p) for p in packages],
        "files": [{"path": path, "sha256": sha256(data)} for path, data in sorted(files.items())],
    }
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")
    return packages


def check() -> list[str]:
    """One sentence per difference between static/vendor and vendor.json; empty when they agree."""
    _, recorded = read_manifest()
    present = {str(p.relative_to(VENDOR)): sha256(p.read_bytes()) for p in VENDOR.rglob("*") if p.is_file()}
    return [
        f"{path}: expected {recorded.get(path, 'no such file')}, found {present.get(path, 'no such file')}"
        for path in sorted({*recorded, *present})
        if recorded.get(path) != present.get(path)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Vendored files of the console.")
    parser.add_argument("action", choices=["check", "refresh"])
    parser.add_argument("--update", action="store_true", help="with refresh: take the newest versions")
    arguments = parser.parse_args()
    try:
        if arguments.action == "refresh":
            for package in refresh(update=arguments.update):
                print(f"{package.name} {package.version}")  # noqa: T201
        differences = check()
    except VendoringError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(differences) or "vendored files are as recorded")  # noqa: T201
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
