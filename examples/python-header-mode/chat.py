"""Header mode: the OpenAI SDK for Python with the sealed token as its API key. The URL holds no secret."""
import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("RELAY_BASE_URL", "http://127.0.0.1:8840/relayapi/-/v1"),
    api_key=os.environ["RELAY_TOKEN"],
)

stream = client.chat.completions.create(
    model=os.environ.get("MODEL", "demo-chat"),
    messages=[{"role": "user", "content": " ".join(sys.argv[1:]) or "Hello!"}],
    stream=True,
)
for part in stream:
    if part.choices:
        print(part.choices[0].delta.content or "", end="", flush=True)
print()
