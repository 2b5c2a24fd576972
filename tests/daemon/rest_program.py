"""tests/rest_client for tests: calls in, outcomes out."""

import json
import subprocess
import threading

from simclient import BUILD_DIR, wait_until


class Client:
    """with Client(sim) as client: client.call("GET", "/users/@me")["outcome"] == "ok" """

    def __init__(self, sim, token="sim-token", budget=None, base=None):
        self.args = [str(BUILD_DIR / "tests" / "rest_client"), base or sim.base + "/api/v10", token]
        if budget:
            self.args.append(str(budget))
        self.outcomes, self.order, self.last = {}, [], 0

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        self.threads = [threading.Thread(target=self._read), threading.Thread(target=self._log)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        self.process.stdin.close()
        status = self.process.wait(30)
        for thread in self.threads:
            thread.join()
        assert kind or status == 0, f"rest_client ended with {status}: {''.join(self.log)}"

    def _read(self):
        for line in self.process.stdout:
            outcome = json.loads(line)
            self.outcomes[outcome["id"]] = outcome
            self.order.append(outcome["id"])

    def _log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def tell(self, *lines):
        self.process.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
        self.process.stdin.flush()

    def send(self, method, path, /, **options):
        """Returns the call's number at once."""
        self.last += 1
        self.tell({"id": self.last, "method": method, "path": path} | options)
        return self.last

    def wait(self, number, deadline=20):
        return wait_until(lambda: self.outcomes.get(number), deadline,
                          f"the outcome of call {number}")

    def call(self, method, path, /, **options):
        return self.wait(self.send(method, path, **options))
