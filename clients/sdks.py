"""The Python SDKs, run as they are told: the same lines in and out as sdks.ts."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
from google import genai

# The door's address and key name nothing else: no proxy, no account of the machine's owner.


def openai_client(door):
    return openai.OpenAI(base_url=door["base"] + "/v1", api_key=door["key"], max_retries=0)


def anthropic_client(door):
    return anthropic.Anthropic(base_url=door["base"], api_key=door["key"], max_retries=0)


def google_client(door):
    return genai.Client(api_key=door["key"], http_options={"base_url": door["base"]})


def messages(door):
    return [{"role": "user", "content": door["prompt"]}]


def openai_plain(door):
    chat = openai_client(door).chat.completions.create(model=door["model"], messages=messages(door))
    return chat.choices[0].message.content


def openai_streamed(door):
    parts = openai_client(door).chat.completions.create(
        model=door["model"], messages=messages(door), stream=True
    )
    return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)


def anthropic_plain(door):
    answer = anthropic_client(door).messages.create(
        model=door["model"], max_tokens=64, messages=messages(door)
    )
    return "".join(block.text for block in answer.content)


def anthropic_streamed(door):
    asked = {"model": door["model"], "max_tokens": 64, "messages": messages(door)}
    with anthropic_client(door).messages.stream(**asked) as stream:
        return "".join(stream.text_stream)


def google_plain(door):
    client = google_client(door)
    return client.models.generate_content(model=door["model"], contents=door["prompt"]).text


def google_streamed(door):
    client = google_client(door)
    parts = client.models.generate_content_stream(model=door["model"], contents=door["prompt"])
    return "".join(part.text or "" for part in parts)


WAYS = {
    "openai": {"plain": openai_plain, "streamed": openai_streamed},
    "anthropic": {"plain": anthropic_plain, "streamed": anthropic_streamed},
    "google": {"plain": google_plain, "streamed": google_streamed},
}

printing = threading.Lock()


def follow(order):
    try:
        result = {"text": WAYS[order["client"]][order["way"]](order["door"])}
    except Exception as error:  # whatever a client raises is what its user would see
        result = {"error": str(error)}
    with printing:
        print(json.dumps({"id": order["id"], **result}), flush=True)


with ThreadPoolExecutor(max_workers=8) as pool:
    for line in sys.stdin:
        pool.submit(follow, json.loads(line))
