"""What ccusage computes for the usages in the file that the first argument names; the second names its program.

Writes each usage as one request of a session of Claude Code into an empty home, and lets ccusage compute all costs
offline. Prints JSON: tool, costs by usage in dollars (null: no price).
"""

import json
import os
import subprocess
import sys
import tempfile


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        usages = json.load(file)
    program = sys.argv[2]
    with tempfile.TemporaryDirectory() as home:
        for number, usage in enumerate(usages):
            folder = os.path.join(home, ".claude", "projects", f"usage-{number}")
            os.makedirs(folder)
            with open(os.path.join(folder, f"session-{number}.jsonl"), "w", encoding="utf-8") as file:
                # Without blanks, as Claude Code writes it: ccusage looks for the bytes.
                json.dump(request(number, usage), file, separators=(",", ":"))
        # Its own settings only: no other agent's files, no network.
        environment = {"HOME": home, "CLAUDE_CONFIG_DIR": os.path.join(home, ".claude"), "PATH": os.environ["PATH"]}
        command = [program, "claude", "session", "--json", "--offline", "--mode", "calculate"]
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        version = subprocess.run([program, "--version"], env=environment, check=True, capture_output=True, text=True)
    sessions = {session["sessionId"]: cost(session) for session in json.loads(answer)["sessions"]}
    costs = {usage["id"]: sessions[f"session-{number}"] for number, usage in enumerate(usages)}
    json.dump({"tool": version.stdout.strip(), "costs": costs}, sys.stdout, indent=1)
    print()


def cost(session):
    """Dollars, or None: ccusage shows 0 for a model that it does not know, and a mark beside it."""
    unknown = any(model.get("missingPricing") for model in session["modelBreakdowns"])
    return None if unknown else session["totalCost"]


def request(number, usage):
    """A line of a transcript."""
    speed = "fast" if usage["fast"] else "standard"
    tokens = {
        "input_tokens": usage["input"],
        "output_tokens": usage["output"],
        "cache_read_input_tokens": usage["cache_read"],
        "cache_creation_input_tokens": usage["cache_write_5m"] + usage["cache_write_1h"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage["cache_write_5m"],
            "ephemeral_1h_input_tokens": usage["cache_write_1h"],
        },
        "speed": speed,
        "inference_geo": "us" if usage["residency_us"] else "global",
    }
    message = {"id": f"message-{number}", "type": "message", "role": "assistant", "model": usage["model"], "usage": tokens}
    return {
        "type": "assistant",
        "timestamp": f"{usage['day']}T12:00:00.000Z",
        "sessionId": f"session-{number}",
        "requestId": f"request-{number}",
        "cwd": f"/usage-{number}",
        "version": "2.1.400",
        "message": message,
    }


if __name__ == "__main__":
    main()
