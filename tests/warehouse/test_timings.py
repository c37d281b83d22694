"""Where the time of a run went."""

from time import sleep

from ml.warehouse.timings import Timings


def test_a_stage_that_comes_twice_is_counted_together():
    timings = Timings()
    for _ in range(2):
        with timings.stage("build"):
            sleep(0.01)
    assert 0.02 <= timings.report().stages["build"] < 1


def test_a_stage_inside_another_counts_for_the_outer_one():
    timings = Timings()
    with timings.stage("load"), timings.stage("build"):
        sleep(0.01)
    with timings.stage("build"):
        pass
    assert list(timings.stages) == ["load", "build"]
    assert timings.stages["build"] < 0.01 <= timings.stages["load"]


def test_a_stage_that_fails_is_counted():
    timings = Timings()
    try:
        with timings.stage("load"):
            raise KeyError
    except KeyError:
        pass
    assert "load" in timings.stages


def test_nodes_of_several_builds_are_added_and_the_slowest_comes_first():
    timings = Timings()
    timings.add_nodes({"a": 1.0, "b": 2.0})
    timings.add_nodes({"a": 3.0})
    assert list(timings.report().nodes.items()) == [("a", 4.0), ("b", 2.0)]
