"""What a user can do with study files: open one, begin one on a data file, unpack the sample, close it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from core.lazy import load
from core.paths import STUDY_SUFFIX, documents_folder
from core.study_file import LoadedStudy, load_study, parse_study
from gui.context import Context
from gui.jobs.queue import JobQueue

DATA_FILTER = "*.csv *.tsv *.jsonl *.parquet"
NEW_STUDY_FILTER = f"{DATA_FILTER} *.json"  # other tools' result files too
SAMPLE_FOLDER = "Tercet sample"


class StudyCommands(QObject):
    """`busy` says what is being done, empty when nothing is; `refused` carries the exception of what could not be."""

    busy = Signal(str)
    refused = Signal(object)

    def __init__(self, context: Context, queue: JobQueue, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._queue = queue
        self._window = window
        self.guessed_from = ""
        """The data file that the study being opened was guessed from; empty where it was not."""
        context.document.opened.connect(self._opened)

    def ask_open(self) -> None:
        """Let the user choose a study file, then open it."""
        title = self._tr("gui.action.study.open")
        self._ask_file(title, f"{self._tr('gui.files.studies')} (*{STUDY_SUFFIX})", self.open)

    def open(self, path: Path) -> None:
        """Open a study file."""
        self.guessed_from = ""
        self.busy.emit(self._tr("gui.busy.opening", name=path.stem))
        self._leave_study(lambda: self._context.document.open(path))

    def open_or_create(self, path: Path, study_file: Path | None) -> None:
        """Open `path`; where it does not exist and a study file (YAML) is given, make it from that."""
        if study_file is None or path.exists():
            self.open(path)
            return
        self.busy.emit(self._tr("gui.busy.creating", name=path.stem))
        self._context.background.submit(
            lambda: load_study(study_file), lambda loaded: self._create(path, loaded), self._refuse
        )

    def ask_new(self) -> None:
        """Let the user choose a data file, guess a study of it, and ask where to keep it."""
        self._ask_file(
            self._tr("gui.new.choose_data"), f"{self._tr('gui.data.files')} ({NEW_STUDY_FILTER})", self.new_from
        )

    def new_from(self, data: Path) -> None:
        """Guess a study of a data file off the UI thread, then ask where to keep it."""
        self.busy.emit(self._tr("gui.busy.reading", name=data.name))

        def guess() -> LoadedStudy:
            text = str(load("core.data.init_study").guess_study(data))
            return LoadedStudy(parse_study(text, data.name), data.resolve().parent, text)

        self._context.background.submit(guess, lambda loaded: self._ask_where(data, loaded), self._refuse)

    def open_sample(self) -> None:
        """Unpack the sample study into the documents folder, unless it is there, and open it."""
        self.busy.emit(self._tr("gui.busy.sample"))
        folder = documents_folder() / SAMPLE_FOLDER

        def unpack() -> tuple[Path, Path]:
            study_file, path = load("core.commands.running").unpack_sample(folder)
            return Path(study_file), Path(path)

        self._context.background.submit(unpack, lambda made: self.open_or_create(made[1], made[0]), self._refuse)

    def show_folder(self) -> None:
        """Show the folder of the open study in the system's file manager."""
        if self._context.document.path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._context.document.path.parent)))

    def close(self) -> None:
        """Close the study; a running job writes its checkpoint first."""
        self._leave_study(self._context.document.close)

    def _create(self, path: Path, loaded: LoadedStudy) -> None:
        self._leave_study(lambda: self._context.document.create(path, loaded.study, loaded.base, loaded.text))

    def _ask_where(self, data: Path, loaded: LoadedStudy) -> None:
        self.busy.emit("")
        dialog = QFileDialog(self._window, self._tr("gui.new.choose_place"), str(data.parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{self._tr('gui.files.studies')} (*{STUDY_SUFFIX})")
        dialog.setDefaultSuffix(STUDY_SUFFIX.removeprefix("."))
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # a study is never overwritten: the store refuses
        dialog.selectFile(data.stem + STUDY_SUFFIX)
        dialog.fileSelected.connect(lambda chosen: self._create_new(Path(chosen), loaded, data.name))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _create_new(self, path: Path, loaded: LoadedStudy, data_name: str) -> None:
        self.guessed_from = data_name
        self._create(path, loaded)

    def _opened(self) -> None:
        if self._context.document.is_open:
            self.busy.emit("")

    def _ask_file(self, title: str, name_filter: str, then: Callable[[Path], None]) -> None:
        recent = self._context.preferences.settings.recent_files
        folder = Path(recent[0]).parent if recent else documents_folder()
        dialog = QFileDialog(self._window, title, str(folder), name_filter)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _leave_study(self, then: Callable[[], None]) -> None:
        self._queue.shut_down(then)

    def _refuse(self, error: Exception) -> None:
        self.busy.emit("")
        self.refused.emit(error)

    def _tr(self, code: str, **values: str) -> str:
        return self._context.translator.tr(code, **values)
