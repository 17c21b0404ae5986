from __future__ import annotations

import io

from zoo.progress import Live, Plain, Silent, choose


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(shown: Silent) -> None:
    shown.start("training", 10)
    shown.advance(1, {"loss": 0.5})
    shown.say("epoch 1/2  [loss] 0.5")
    shown.start("testing", 5)
    shown.advance(5)
    shown.close()


def test_plain_writes_a_line_for_each_stage_and_saying():
    stream = io.StringIO()
    told(Plain(stream))
    assert stream.getvalue() == "training\nepoch 1/2  [loss] 0.5\ntesting\n"


def test_live_shows_a_bar_and_keeps_what_is_said():
    stream = Terminal()
    live = Live(stream)
    live.start("training", 10)
    live.rename("epoch 1/2")
    live.advance(1, {"loss": 0.5})
    live.bar.refresh()  # by itself ten times a second
    live.say("epoch 1/2  [loss] 0.5")
    live.close()
    assert "epoch 1/2  [loss] 0.5\n" in stream.getvalue()
    assert "loss 0.500" in stream.getvalue()
    assert "training" in stream.getvalue()


def test_the_way_to_show_is_chosen_by_the_stream():
    assert type(choose("auto", io.StringIO())) is Plain
    assert type(choose("plain", Terminal())) is Plain
    assert type(choose("silent", Terminal())) is Silent
    live = choose("auto", Terminal())
    live.close()
    assert type(live) is Live
