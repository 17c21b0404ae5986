"""The page of a served model, in a real browser where there is one."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from test_serve import free_port, served

import zoo
from zoo import page

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
browser_here = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
COMMAND = [sys.executable, "-m", "zoo", "serve", "latest"]


def test_page_and_description_are_served_beside_the_app(tmp_path: Path):
    (tmp_path / "model.json").write_text(json.dumps({"kind": "text", "classes": ["a"]}))
    app = FastAPI()
    page.mount(app, tmp_path / "model.json")
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        address = f"http://127.0.0.1:{server.config.port}"
        with urllib.request.urlopen(f"{address}/about") as about:
            assert json.loads(about.read()) == {"kind": "text", "classes": ["a"]}
        with urllib.request.urlopen(address) as shown:
            assert shown.headers["content-type"].startswith("text/html")
            html = shown.read().decode()
    finally:
        server.should_exit = True
        thread.join()
    assert html == page.PAGE.read_text()
    assert "http://" not in html and "https://" not in html  # all of it comes from here


@pytest.fixture
def browser() -> Iterator:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "no-first-run"):
        options.add_argument(f"--{argument}")
    made = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield made
    made.quit()


def answer(browser) -> str:
    for _ in range(120):
        found = browser.find_element("id", "answer").text
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(browser.page_source)


@pytest.mark.slow
@browser_here
def test_a_digit_is_drawn_and_answered_while_it_is_written(place: Path, browser):
    from selenium.webdriver import ActionChains

    zoo.run("pen_digits", sample=True, limit=200, epochs=2, variants=1, units=8, layers=1, progress="silent")
    with served(COMMAND, place) as address:
        browser.get(address)
        for _ in range(20):
            if browser.find_elements("id", "canvas"):
                break
            time.sleep(0.5)
        drawn = ActionChains(browser, duration=20)
        drawn.move_to_element_with_offset(browser.find_element("id", "canvas"), -60, -60).click_and_hold()
        for across, down in ((60, 0), (60, 0), (-30, 60), (-30, 60)):
            drawn.move_by_offset(across, down)
        drawn.perform()  # the pen is still down
        assert answer(browser) in "0123456789abcdefghijkmnpqrstuvwxyz"
        ActionChains(browser).release().perform()
        browser.find_element("id", "clear").click()
        assert browser.find_element("id", "answer").text == ""


@pytest.mark.slow
@browser_here
def test_a_sentence_is_typed_and_answered_as_in_python(place: Path, browser):
    run = zoo.run("sst2", sample=True, limit=200, epochs=1, units=4, progress="silent")
    (here,) = run.predict(["what a film"])
    with served(COMMAND, place) as address:
        browser.get(address)
        for _ in range(20):
            if browser.find_elements("id", "text"):
                break
            time.sleep(0.5)
        browser.find_element("id", "text").send_keys("what a film")
        browser.find_element("id", "send").click()
        assert answer(browser) == here["label"]
