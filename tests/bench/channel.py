"""The channel of the benchmark: one POST a message, as UAZAPI wants it."""

import http.client
import json

from cadences.outcomes import Accepted, Outcome, Refused, Unknown, Why
from cadences.ports import DEADLINE, Letter, NoLookup, Traits, register

ADAPTER = "bench-uazapi"


class Posted(NoLookup):
    """Send over a connection of its own; from the first byte on a failure is unknown."""

    traits = Traits()

    def send(self, letter: Letter) -> Outcome:
        """Post the message and wait for the answer."""
        port = int(letter.sender.config["port"])
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        try:
            line.connect()
        except OSError as error:
            return Refused(Why.NOT_SENT, str(error))
        try:
            body = {
                "number": letter.address, "text": letter.body,
                "track_source": "cadences", "track_id": letter.correlation,
            }  # fmt: skip
            line.request("POST", "/send/text", json.dumps(body), {"token": "bench"})
            answer = line.getresponse()
            told = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            return Unknown(str(error))
        finally:
            line.close()
        return Accepted(told["messageid"])


register(ADAPTER, Posted())
