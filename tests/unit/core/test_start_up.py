"""What start-up may load: none of the heavy libraries, by import or by showing the window."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from decided_study import card_support

from core.store import StudyStore

HEAVY = ("torch", "transformers", "pandas", "sklearn", "onnxruntime")
MIGRATING = ("alembic", "mako", "pygments")
CHECK = "import sys; loaded = [name for name in {heavy} if name in sys.modules]; assert not loaded, loaded"


def test_importing_core_command_line_and_window_loads_no_heavy_library() -> None:
    code = "import core, core.cli, gui, gui.app, core.commands.running; " + CHECK.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_deciding_and_reading_a_study_loads_no_torch() -> None:
    code = "import core.commands.reading, core.commands.reporting, core.commands.handing_over; " + CHECK.format(
        heavy=HEAVY
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_asking_for_the_jobs_loads_neither_what_decides_nor_what_migrates() -> None:
    code = "import core.commands.status; " + CHECK.format(heavy=(*HEAVY, *MIGRATING, "core.decide", "core.evidence"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_study_of_the_present_schema_is_opened_without_the_library_that_migrates(tmp_path: Path) -> None:
    path = tmp_path / "study.tercet"
    StudyStore.create(path, card_support(), tmp_path, "").close()
    opened = f"from pathlib import Path; from core.store import StudyStore; path = Path({str(path)!r}); "
    for write in (False, True):
        code = opened + f"StudyStore.open(path, write={write}).evidence(); " + CHECK.format(heavy=MIGRATING)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
