"""What start-up may load: none of the heavy libraries, by import or by showing the window."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "pandas", "sklearn", "onnxruntime")
CHECK = "import sys; loaded = [name for name in {heavy} if name in sys.modules]; assert not loaded, loaded"


def test_importing_core_command_line_and_window_loads_no_heavy_library() -> None:
    code = "import core, core.cli, gui, gui.app, core.commands.running; " + CHECK.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_deciding_and_reading_a_study_loads_no_torch() -> None:
    code = "import core.commands.reading, core.commands.handing_over; " + CHECK.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
