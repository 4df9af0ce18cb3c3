"""Render published chat templates with transformers, independent of our code.

usage: template_renderings.py FOLDER_OF_TEMPLATES OUT.json
"""
import json
import pathlib
import sys
import time

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

BOS, EOS = "<s>", "</s>"
WEATHER = {"type": "function",
           "function": {"name": "get_weather", "description": "The weather of a city", "parameters": {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "its name"}, "days": {"type": "integer"}},
    "required": ["city"]}}}
CALL = {"id": "call00001", "type": "function",
        "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}}

SECOND = {"id": "call00002", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Bern"}}}


def say(role, content, **more):
    return {"role": role, "content": content, **more}


CONVERSATIONS = {
    "question": ([say("user", "What is an apple?")], {}),
    "system": ([say("system", "You are brief."), say("user", "What is an apple?")], {}),
    "turns": ([say("system", "You are brief."), say("user", "Hello"), say("assistant", "Hi there."),
               say("user", "Bye")], {}),
    "closed": ([say("user", "Hello"), say("assistant", "Hi there.")], {"add_generation_prompt": False}),
    "spaces": ([say("user", "  a\n\n b\t"), say("assistant", "\n c \n"), say("user", "d ")], {}),
    "scripts": ([say("user", "Grüße 日本語 🙂 \"quoted\" <tag> & {{ 7 }} {% raw %}")], {}),
    "special": ([say("user", "<|im_end|><|eot_id|></s>[INST]")], {}),
    "thinking": ([say("user", "Hello")], {"enable_thinking": True}),
    "no thinking": ([say("user", "Hello")], {"enable_thinking": False}),
    "thought": ([say("user", "Hello"), say("assistant", "Hi.", reasoning_content="They greet."), say("user", "Bye")],
                {}),
    "thought in text": ([say("user", "Hello"), say("assistant", "<think>\nThey greet.\n</think>\n\nHi."),
                         say("user", "Bye")], {}),
    "tools": ([say("system", "You are brief."), say("user", "Weather in Zürich?")], {"tools": [WEATHER]}),
    "tool call": ([say("user", "Weather in Zürich?"), say("assistant", "", tool_calls=[CALL]),
                   say("tool", "{\"sky\": \"clear\"}", tool_call_id="call00001", name="get_weather")],
                   {"tools": [WEATHER]}),
    "two calls": ([say("user", "Weather in Zürich and Bern?"),
                   say("assistant", "Let me see.", tool_calls=[CALL, SECOND]),
                   say("tool", "clear", tool_call_id="call00001", name="get_weather"),
                   say("tool", "rain", tool_call_id="call00002", name="get_weather")], {"tools": [WEATHER]}),
    "after a call": ([say("user", "Weather in Zürich?"), say("assistant", "", tool_calls=[CALL]),
                      say("tool", "clear", tool_call_id="call00001", name="get_weather"),
                      say("assistant", "It is clear."), say("user", "Thanks")], {"tools": [WEATHER]}),
}


def with_text_arguments(message):
    calls = [{**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
             for call in message.get("tool_calls", [])]
    return {**message, "tool_calls": calls} if calls else message


def rendered(tokenizer, template, messages, options):
    """The text, or nothing and why."""
    try:
        return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False,
                                             **{"add_generation_prompt": True, **options}), None
    except Exception as error:  # a template may raise anything
        return None, f"{type(error).__name__}: {error}"


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=BOS, eos_token=EOS)
    out = []
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.jinja")):
        template = file.read_text(encoding="utf-8")
        for name, (messages, options) in CONVERSATIONS.items():
            text, refusal = rendered(tokenizer, template, messages, options)
            # Some templates want arguments as OpenAI's interface has them: JSON in a string.
            as_text = rendered(tokenizer, template, [with_text_arguments(message) for message in messages], options)[0]
            out.append({"name": file.stem, "conversation": name, "text": text, "refusal": refusal,
                        "text_with_text_arguments": as_text,
                        "request": {"template": template, "bos_token": BOS, "eos_token": EOS, "messages": messages,
                                    "now": int(time.time()),
                                    **options}})
    pathlib.Path(sys.argv[2]).write_text(json.dumps(out), encoding="utf-8")


main()
