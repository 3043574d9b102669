"""Set Tercet up on a fresh machine and run it: `python3 packaging/bootstrap.py demo --headless --out demo`.

Checks first that Python and the system's libraries are there, and names what is missing. Needs nothing but Python's
own library. `demo …`, `test …` and any other command of `tercet` run in the virtual environment `.venv` of this
folder (or the one that TERCET_VENV names); versions are those of `packaging/constraints.txt`.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)
# Qt's own needs on Linux, also without a screen: library -> Debian package.
LINUX_LIBRARIES = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "xkbcommon": "libxkbcommon0",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "glib-2.0": "libglib2.0-0",
}


def problems() -> list[str]:
    """What is missing on this machine, one sentence each, with the remedy."""
    found: list[str] = []
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        wanted = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        found.append(f"Python {sys.version.split()[0]} runs this, Tercet needs {wanted}: start it with such a python3")
    missing_modules = [name for name in ("ensurepip", "sqlite3", "ssl") if importlib.util.find_spec(name) is None]
    if missing_modules:
        found.append(
            f"Python lacks {', '.join(missing_modules)}: on Debian or Ubuntu run: sudo apt-get install python3-venv"
        )
    if sys.platform == "linux":
        packages = [package for name, package in LINUX_LIBRARIES.items() if ctypes.util.find_library(name) is None]
        if packages:
            command = f"sudo apt-get install {' '.join(packages)}"
            found.append(f"libraries that Qt needs are missing: on Debian or Ubuntu run: {command}")
    return found


def environment_folder() -> Path:
    """The virtual environment that everything is installed into."""
    return Path(os.environ.get("TERCET_VENV", ROOT / ".venv"))


def programs(folder: Path) -> Path:
    """The folder of the environment's programs."""
    return folder / ("Scripts" if os.name == "nt" else "bin")


def install(folder: Path, extra: str) -> None:
    """Make the environment where it is missing and install Tercet with `extra` into it. Raises CalledProcessError."""
    if not (folder / "pyvenv.cfg").exists():
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(folder)
    python = programs(folder) / "python"
    constraints = ROOT / "packaging" / "constraints.txt"
    command = [str(python), "-m", "pip", "install", "--quiet", "-c", str(constraints), "-e", f"{ROOT}[{extra}]"]
    subprocess.run(command, check=True)  # noqa: S603 - our own interpreter


def main(arguments: list[str]) -> int:
    """Check, install, run; the exit status of what was run."""
    missing = problems()
    if missing:
        for sentence in missing:
            sys.stderr.write(sentence + "\n")
        return 2
    wanted = arguments or ["demo", "--headless", "--out", "tercet-demo"]
    testing = wanted[0] == "test"
    folder = environment_folder()
    try:
        install(folder, "dev" if testing else "demo")
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"the installation failed (pip ended with {error.returncode}); its words stand above\n")
        return 1
    program = [str(programs(folder) / "python"), "-m", "pytest"] if testing else [str(programs(folder) / "tercet")]
    command = [*program, *(wanted[1:] if testing else wanted)]
    return subprocess.run(command, check=False, cwd=ROOT if testing else None).returncode  # noqa: S603 - as above


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
