#!/usr/bin/env python3
"""Tests a memory map's page in headless Chromium: points, zooms, drags, types, and measures frames.

usage: browse.py PAGE.html [FOLDER]

Screenshots go to FOLDER, measurements to the standard output, as JSON. Exits with 0 if the page behaved as
expected, 1 if not, and 3 if there is no Chromium (`CHROMIUM` is its path, if it is not in PATH)."""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
    "--window-size=1400,900",
]
PATIENCE = 60  # seconds


class Browser:
    """Chromium, controlled over a pair of pipes: a message is JSON and a zero byte."""

    def __init__(self, program, folder):
        theirs_in, self.out = os.pipe()
        self.inn, theirs_out = os.pipe()

        def connect():
            # They may already be 3 and 4, in reverse.
            high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.events, self.last, self.session = b"", [], 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(f"{domain}.enable")

    def receive(self, until):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.inn], [], [], max(0, until - time.time()))
            data = os.read(self.inn, 1 << 20) if ready else b""
            if not data:
                raise SystemExit("error: Chromium does not answer")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        until = time.time() + PATIENCE
        while True:
            answer = self.receive(until)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"error: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event):
        until = time.time() + PATIENCE
        while not any(it.get("method") == event for it in self.events):
            self.events.append(self.receive(until))

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"error: {expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def type(self, key, **more):
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def frame(self):
        """Waits until all changes are drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def screenshot(self, path):
        if path:
            path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def end(self):
        self.process.terminate()
        self.process.wait()


def main():
    page = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2]) if 2 < len(sys.argv) else None
    names = [os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    program = next((found for it in names if it and (found := shutil.which(it))), None)
    if not program:
        print("skipped: there is no Chromium", file=sys.stderr)
        sys.exit(3)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        browser = Browser(program, data)
        try:
            measured = check(browser, page, folder)
        finally:
            browser.end()
    print(json.dumps(measured))


def hold(condition, what):
    if not condition:
        raise SystemExit(f"error: {what}")


def check(browser, page, folder):
    shot = lambda name: browser.screenshot(folder and folder / f"{page.stem}.{name}.png")
    browser.call("Page.navigate", url=page.as_uri())
    browser.wait_for("Page.loadEventFired")
    browser.frame()
    shot("all")
    n_blocks = browser.evaluate("cosma.shown.blocks.length")
    hold(0 < n_blocks, "there are no blocks")
    whole = browser.evaluate("cosma.view")

    # The largest moved tensor on the screen, if any.
    index = browser.evaluate("""(() => {
      const seen = cosma.shown.blocks.map((it, at) => [it, at]).filter(([it]) => it.tensor !== null && 0 < it.size);
      const worth = ([it]) => (cosma.shown.tensors[it.tensor].moved ? 1e18 : 0) + it.size * (it.to - it.from);
      return seen.reduce((best, it) => (worth(best) < worth(it) ? it : best))[1];
    })()""")
    tensor = browser.evaluate(f"cosma.shown.tensors[cosma.shown.blocks[{index}].tensor]")
    centre = middle(browser, index)
    browser.mouse("mouseMoved", *centre)
    browser.frame()
    tip = browser.evaluate("document.getElementById('tip').innerText")
    hidden = browser.evaluate("document.getElementById('tip').hidden")
    hold(not hidden, "pointing at a block shows nothing")
    hold(tensor["name"] in tip, f"the tip does not name {tensor['name']}: {tip}")
    for word in ["kind", "size", "producer", "uses", "where", "cost"]:
        hold(word in tip, f"the tip does not say {word}: {tip}")
    hold(f"{tensor['size']:,} B" in tip, f"the tip does not say {tensor['size']} B: {tip}")
    hold(browser.evaluate("cosma.highlighted.length") == 1, "what is pointed at is not highlighted")
    shot("tip")

    # The wheel zooms steps around the pointer; with shift, addresses.
    for _ in range(8):
        browser.mouse("mouseWheel", *centre, deltaX=0, deltaY=-120)
    browser.frame()
    near = browser.evaluate("cosma.view")
    hold(near["to"] - near["from"] < 0.7 * (whole["to"] - whole["from"]) or whole["to"] <= 3, f"the wheel does not zoom: {near}")
    hold(near["high"] == whole["high"], "the wheel alone changes addresses")
    browser.mouse("mouseWheel", *centre, deltaX=0, deltaY=-240, modifiers=8)
    browser.frame()
    nearer = browser.evaluate("cosma.view")
    hold(nearer["high"] - nearer["low"] < whole["high"] - whole["low"], "shift and wheel do not zoom")
    shot("near")

    # Dragging to the left scrolls to the right, unless that is the end.
    browser.mouse("mousePressed", *centre, button="left", clickCount=1)
    for x in range(1, 6):
        browser.mouse("mouseMoved", centre[0] - 20 * x, centre[1] + 10 * x, button="left", buttons=1)
    browser.mouse("mouseReleased", centre[0] - 100, centre[1] + 50, button="left", clickCount=1)
    browser.frame()
    dragged = browser.evaluate("cosma.view")
    hold(dragged != nearer, "dragging does nothing")

    browser.type("0", text="0")
    browser.frame()
    hold(browser.evaluate("cosma.view") == whole, "0 does not show all")
    browser.type("+", text="+")
    browser.type("ArrowRight")
    browser.frame()
    hold(browser.evaluate("cosma.view") != whole, "keys do nothing")

    # Searching by name.
    browser.type("/")
    browser.call("Input.insertText", text=tensor["name"])
    browser.frame()
    hold(browser.evaluate("document.getElementById('found').textContent") != "0 found", "the search finds nothing")
    names = browser.evaluate("cosma.highlighted.map((it) => cosma.shown.tensors[it].name)")
    hold(tensor["name"] in names, "what was found is not highlighted")
    browser.type("Enter", text="\r")
    browser.frame()
    shot("found")
    browser.type("Escape")
    browser.frame()

    frames = measure(browser, centre)
    bad = [it for it in browser.events if it.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
    hold(not bad, f"the page complains: {bad}")
    asked = [it["params"]["request"]["url"] for it in browser.events if it.get("method") == "Network.requestWillBeSent"]
    others = [it for it in asked if it != page.as_uri() and not it.startswith(("data:", "about:"))]
    hold(not others, f"the page fetches {others}")
    return {"blocks": n_blocks, "steps": browser.evaluate("cosma.shown.n"), **frames}


def middle(browser, index):
    left, top, width, height = browser.evaluate(f"cosma.place({index})")
    return [left + width / 2, top + height / 2]


def measure(browser, centre):
    """Milliseconds to draw, and between frames, while the map is zoomed and dragged continuously."""
    browser.type("0", text="0")
    times = browser.evaluate("""(async () => {
      const canvas = document.getElementById("map");
      const between = [], draws = [];
      let last = null;
      for (let i = 0; i < 120; i++) {
        const event = new WheelEvent("wheel", { deltaY: i %% 60 < 30 ? -20 : 20, clientX: %f, clientY: %f, cancelable: true });
        canvas.dispatchEvent(event);
        const now = await new Promise(requestAnimationFrame);
        if (last !== null) between.push(now - last);
        last = now;
      }
      draws.push(...cosma.times.slice(-119));
      const at = (list, share) => list.sort((a, b) => a - b)[Math.floor(share * (list.length - 1))];
      return { draw_median: at(draws, 0.5), draw_95: at(draws, 0.95), frame_median: at(between, 0.5), frame_95: at(between, 0.95) };
    })()""" % tuple(centre))
    return {name: round(value, 2) for name, value in times.items()}


if __name__ == "__main__":
    main()
