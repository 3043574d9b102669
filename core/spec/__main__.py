"""Print the JSON schema of the study file."""

import json
import sys

from core.spec import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
