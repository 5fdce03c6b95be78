# Reads a JSON list of [content type, base64 body] from stdin and prints the parts of each form as Python's email parser finds them:
# name, file name or null, and content in base64; null where it finds no form.
import base64
import email
import email.policy
import json
import sys


def parts_of(content_type, body):
    head = b'Content-Type: ' + content_type.encode('latin-1') + b'\r\n\r\n'
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    if not message.is_multipart():
        return None
    found = []
    for part in message.get_payload():
        name = part.get_param('name', header='content-disposition')
        content = part.get_payload(decode=True)
        if content is None:
            content = part.get_payload()[0].as_bytes() if part.is_multipart() else b''
        found.append([name, part.get_filename(), base64.b64encode(content).decode()])
    return found


json.dump([parts_of(kind, base64.b64decode(body)) for kind, body in json.load(sys.stdin)], sys.stdout)
