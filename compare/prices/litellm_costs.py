"""What LiteLLM computes for the usages in the file that the argument names, with the prices in its own package.

Uses no network. Prints JSON: tool, costs by usage in dollars (null: no price).
"""

import importlib.metadata
import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm.cost_calculator import cost_per_token  # noqa: E402  the variable counts when it is imported
from litellm.types.utils import CacheCreationTokenDetails, PromptTokensDetailsWrapper, Usage  # noqa: E402


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        usages = json.load(file)
    version = importlib.metadata.version("litellm")
    costs = {usage["id"]: cost(usage) for usage in usages}
    json.dump({"tool": f"LiteLLM {version}", "costs": costs}, sys.stdout, indent=1)
    print()


def cost(usage):
    """Dollars, or None if LiteLLM does not know the model."""
    writes = usage["cache_write_5m"] + usage["cache_write_1h"]
    prompt = usage["input"] + usage["cache_read"] + writes
    further = {}
    if usage["fast"]:
        further["speed"] = "fast"
    if usage["residency_us"]:
        further["inference_geo"] = "us"
    tokens = Usage(
        prompt_tokens=prompt,
        completion_tokens=usage["output"],
        total_tokens=prompt + usage["output"],
        prompt_tokens_details=PromptTokensDetailsWrapper(
            cached_tokens=usage["cache_read"],
            cache_creation_tokens=writes,
            cache_creation_token_details=CacheCreationTokenDetails(
                ephemeral_5m_input_tokens=usage["cache_write_5m"],
                ephemeral_1h_input_tokens=usage["cache_write_1h"],
            ),
        ),
        cache_read_input_tokens=usage["cache_read"],
        cache_creation_input_tokens=writes,
        **further,
    )
    try:
        parts = cost_per_token(model=usage["model"], custom_llm_provider=provider(usage["model"]), usage_object=tokens)
    except Exception as error:  # LiteLLM raises plain Exception for models that it does not know
        print(f"{usage['id']}: {error}"[:200], file=sys.stderr)
        return None
    return sum(parts)


def provider(model):
    """LiteLLM's name of the seller."""
    if "anthropic." in model:
        return "bedrock"
    return {"claude": "anthropic", "gemini": "gemini"}.get(model.split("-")[0], "openai")


if __name__ == "__main__":
    main()
