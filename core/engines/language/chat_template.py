"""A model's chat template rendered as transformers renders it, without loading transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment


class _GenerationMarks(Extension):
    """`{% generation %}` marks what an assistant wrote, for training: here its content stands as it is."""

    tags = {"generation"}  # noqa: RUF012 - as jinja declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def asked_in_chat(template: str, message: str, tokens: Mapping[str, str]) -> str:
    """One user message in a chat template, up to where the answer begins; `tokens` are the texts of special tokens
    (`bos_token`, `eos_token`).

    The environment is that of transformers (`utils/chat_template_utils.py`): sandboxed, blocks trimmed. Raises
    ValueError where the template cannot be rendered.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationMarks, loopcontrols]
    )
    environment.filters["tojson"] = _json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    conversation = [{"role": "user", "content": message}]
    try:
        return environment.from_string(template).render(messages=conversation, add_generation_prompt=True, **tokens)
    except TemplateError as error:
        raise ValueError(f"the chat template cannot be used: {error}") from error


def _json(value: Any, **options: Any) -> str:
    return json.dumps(value, **{"ensure_ascii": False, **options})


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(layout: str) -> str:
    return datetime.now().strftime(layout)
