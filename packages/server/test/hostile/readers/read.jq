# jq on a list of base64 bodies: what each says, or null where it is refused.
def kept: map(select(. != null));
def said:
  if type == "object" then
    {
      models: ([.model] + [(.tools // []) | arrays | .[] | objects | .model] + [(.moderation // {}) | objects | .model] | kept),
      limits: ([.max_tokens, .max_completion_tokens, .n] | kept)
    }
  else { models: [], limits: [] } end;
[.[] | (try (@base64d | fromjson | said) catch null)]
