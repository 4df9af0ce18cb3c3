"""Published chat templates rendered by transformers and by llama-agent, on the same conversations: equal, or not.

usage: template_parity.py RENDER_CHAT FOLDER_OF_TEMPLATES [--show NAME]

Prints one line per template and exits with 1 where any rendering differs. A conversation that transformers refuses
("System role not supported") is counted apart where llama-agent renders it.
"""
import json
import pathlib
import subprocess
import sys
import time

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

BOS, EOS = "<s>", "</s>"
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "its name"}, "days": {"type": "integer"}},
    "required": ["city"]}}}
CALL = {"id": "call00001", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}}


def say(role, content, **more):
    return {"role": role, "content": content, **more}


CONVERSATIONS = {
    "question": ([say("user", "What is an apple?")], {}),
    "system": ([say("system", "You are brief."), say("user", "What is an apple?")], {}),
    "turns": ([say("system", "You are brief."), say("user", "Hello"), say("assistant", "Hi there."), say("user", "Bye")], {}),
    "closed": ([say("user", "Hello"), say("assistant", "Hi there.")], {"add_generation_prompt": False}),
    "spaces": ([say("user", "  a\n\n b\t"), say("assistant", "\n c \n"), say("user", "d ")], {}),
    "scripts": ([say("user", "Grüße 日本語 🙂 \"quoted\" <tag> & {{ 7 }} {% raw %}")], {}),
    "special": ([say("user", "<|im_end|><|eot_id|></s>[INST]")], {}),
    "thinking": ([say("user", "Hello")], {"enable_thinking": True}),
    "no thinking": ([say("user", "Hello")], {"enable_thinking": False}),
    "thought": ([say("user", "Hello"), say("assistant", "Hi.", reasoning_content="They greet."), say("user", "Bye")], {}),
    "thought in text": ([say("user", "Hello"), say("assistant", "<think>\nThey greet.\n</think>\n\nHi."), say("user", "Bye")], {}),
    "tools": ([say("system", "You are brief."), say("user", "Weather in Zürich?")], {"tools": [WEATHER]}),
    "tool call": ([say("user", "Weather in Zürich?"), say("assistant", "", tool_calls=[CALL]),
                   say("tool", "{\"sky\": \"clear\"}", tool_call_id="call00001", name="get_weather")], {"tools": [WEATHER]}),
}


def reference(template, messages, options):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=BOS, eos_token=EOS)
    options = {"add_generation_prompt": True, **options}
    try:
        return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **options), None
    except Exception as error:  # a template may raise anything
        return None, f"{type(error).__name__}: {error}"


def ours(program, template, messages, options):
    request = {"template": template, "bos_token": BOS, "eos_token": EOS, "messages": messages, "now": int(time.time()), **options}
    run = subprocess.run([program], input=json.dumps(request) + "\n", capture_output=True, text=True)
    if run.returncode != 0:
        return None, f"exit status {run.returncode}"
    answer = json.loads(run.stdout)
    return answer.get("text"), answer.get("error")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shown = sys.argv[4] if len(sys.argv) > 4 else None
    equal_templates = count = 0
    for file in sorted(folder.glob("*.jinja")):
        template = file.read_text(encoding="utf-8")
        wrong = []
        rendered = more = 0
        for name, (messages, options) in CONVERSATIONS.items():
            expected, refusal = reference(template, messages, options)
            got, error = ours(program, template, messages, options)
            rendered += expected is not None
            if expected == got:
                continue
            if expected is None:
                more += 1
                if shown != file.stem:
                    continue
            wrong.append(name)
            if shown in (file.stem, "all"):
                print(f"--- {file.stem}, {name}\n  transformers: {expected if refusal is None else refusal!r}\n  ours: {got if error is None else error!r}")
        count += 1
        equal_templates += not wrong
        verdict = ("equal" if not wrong else f"differs: {', '.join(wrong)}") + (f"; we render {more} more" if more else "")
        print(f"{file.stem:<52} {rendered:>2} of {len(CONVERSATIONS)} rendered, {verdict}", flush=True)
    print(f"{equal_templates} of {count} templates equal")
    sys.exit(equal_templates != count)


main()
