from pathlib import Path

import pytest
import yaml

from core.data.init_study import guess_study
from core.domain import Role
from core.errors import UserError
from core.spec import Study

TOPICS = ("fees", "card: lost", "#refund")


def write(path: Path, header: str = "id,Customer message,Topic,country") -> Path:
    rows = [f'{row},"a message, number {row}",{TOPICS[row % 3]},{"DE" if row % 2 else "FR"}' for row in range(60)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_guessed_study_validates_and_names_text_and_classes(tmp_path: Path) -> None:
    study = Study.model_validate(yaml.safe_load(guess_study(write(tmp_path / "support_cards.csv"))))
    assert study.name == "Support cards"
    assert (study.data.columns.input, study.data.columns.target) == ("Customer message", "Topic")
    assert study.data.file == "support_cards.csv"
    assert [candidate.role for candidate in study.candidates].count(Role.HYBRID) == 1


def test_the_path_is_relative_to_the_folder_of_the_study_file(tmp_path: Path) -> None:
    path = write(tmp_path / "cards.csv")
    study = Study.model_validate(yaml.safe_load(guess_study(path, tmp_path / "studies")))
    assert study.data.file == "../cards.csv"


def test_without_a_telling_name_the_column_with_the_fewest_classes_is_the_target(tmp_path: Path) -> None:
    path = write(tmp_path / "cards.csv", "id,message,what,where")
    assert yaml.safe_load(guess_study(path))["data"]["columns"]["target"] == "where"


def test_odd_names_stay_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a # b: 'c'.csv", 'id,"say ""what"": #1",label {x},$y')
    loaded = yaml.safe_load(guess_study(path))
    assert loaded["data"]["file"] == "a # b: 'c'.csv"
    assert loaded["data"]["columns"] == {"input": 'say "what": #1', "target": "label {x}"}


def test_comments_say_what_to_check(tmp_path: Path) -> None:
    text = guess_study(write(tmp_path / "cards.csv"))
    assert text.count("CHECK") > 10
    assert "3 classes seen, such as #refund, card: lost, fees" in text


def test_data_without_classes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("text\n" + "".join(f"line {row}\n" for row in range(20)), encoding="utf-8")
    with pytest.raises(UserError, match=r"texts\.csv has no column with two or more classes"):
        guess_study(path)


def test_the_sample_study_validates_and_its_columns_are_in_its_data() -> None:
    folder = Path(__file__).parents[4] / "resources" / "samples" / "card_support"
    study = Study.model_validate(yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8")))
    header = (folder / "messages.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    columns = study.data.columns
    assert {columns.input, columns.target, *columns.slice} <= set(header)
