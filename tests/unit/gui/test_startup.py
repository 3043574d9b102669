from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "pandas", "sklearn", "onnxruntime", "scipy", "tokenizers")
SCRIPT = """
import json, sys, time
began = time.monotonic()
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from gui.app import build
qt = QApplication([])
application = build(qt)
application.window.show()
qt.processEvents()
seconds = time.monotonic() - began
heavy = [name for name in {heavy!r} if name in sys.modules]
print(json.dumps({{"seconds": seconds, "heavy": heavy, "page": application.window.current_page}}))
application.window.close()
QTimer.singleShot(200, qt.quit)
qt.exec()
application.close()
"""


def test_showing_the_window_loads_no_heavy_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TERCET_CONFIG_DIR": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["heavy"] == []
    assert told["page"] == "welcome"


def test_importing_the_window_loads_no_engine() -> None:
    code = f"import sys, gui; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
