"""What counts from when: missed, new, edited, paused and resumed schedules."""

import pytest
from django_celery_beat.models import CrontabSchedule

from queues import schedule_rows
from queues.due import upcoming
from queues.fire import Memory
from queues.models import Job, ScheduleState
from queues.notice_schedules import notice
from queues.schedule_rows import row_of
from tests.queues.schedules import (
    T0,
    at,
    cron,
    due_times,
    edit,
    every,
    make_schedule,
    tick,
)

pytestmark = pytest.mark.django_db


def test_of_the_missed_due_times_the_latest_fires_once(nightly):
    edit(nightly, **cron("*/10 * * * *"))
    tick("02:31", Memory(since=at("02:30:30")))

    tick("04:44")
    tick("04:50")

    assert due_times() == ["05 04:40:00", "05 04:50:00"]


def test_a_new_schedule_is_not_due_for_the_time_before_it_existed():
    make_schedule(saved_at=at("03:00:01"))

    tick("03:00:02", Memory(since=at("02:59:59.9")))
    tick("12:00")

    assert due_times() == []


def test_a_new_schedule_whose_time_came_before_beat_started_fires():
    make_schedule(saved_at=at("02:59"))

    tick("03:05")

    assert due_times() == ["05 03:00:00"]


def test_a_new_row_of_another_age_counts_from_the_last_tick():
    make_schedule(saved_at=at("2025-01-01"))

    tick("03:00:30", Memory(since=at("03:00:29")))

    assert due_times() == []


def test_a_row_that_another_scheduler_fired_before_counts_from_that():
    make_schedule(saved_at=at("2025-01-01"), last_run_at=at("03:00:01"))

    tick("12:00")

    assert due_times() == []


def test_an_edited_pattern_counts_from_the_tick_before(nightly):
    edit(nightly, **cron("45 2 * * *"))

    tick("02:45:00.5", Memory(since=at("02:44:59.6")))
    tick("03:01", Memory(since=at("03:00:59")))

    assert due_times() == ["05 02:45:00"]


def test_an_edit_of_the_crontab_row_itself_is_noticed(nightly):
    memory = Memory()
    tick("02:50", memory)
    CrontabSchedule.objects.update(minute="55", hour="2")

    tick("02:50:01", memory)
    tick("02:55", memory)

    assert due_times() == ["05 02:55:00"]


def test_an_edit_by_raw_sql_while_no_beat_ran_counts_from_now(nightly, sql):
    sql("UPDATE django_celery_beat_crontabschedule SET hour = '4'")

    tick("06:00")
    tick("2026-01-06 04:00")

    assert due_times() == ["06 04:00:00"]


def test_an_edit_by_a_save_while_no_beat_ran_counts_from_the_save(nightly, sql):
    sql("UPDATE schedule_states SET noticed_at = %s", T0)
    edit(nightly, date_changed=at("03:30"), **cron("0 4 * * *"))

    tick("06:00")

    assert due_times() == ["05 04:00:00"]


def test_what_a_job_is_made_of_may_change_without_moving_its_due_times(nightly):
    edit(nightly, kwargs='{"b": 2}', priority=9)

    tick("03:00")

    assert list(Job.objects.values_list("payload", "priority")) == [({"b": 2}, 9)]


def test_a_pause_is_not_made_up_for(nightly):
    memory = Memory()
    tick("02:59", memory)
    edit(nightly, enabled=False)
    tick("02:59:01", memory)
    tick("03:00", memory)
    tick("04:00", memory)
    edit(nightly, enabled=True)

    tick("04:00:01", memory)
    tick("2026-01-06 03:00", memory)

    assert due_times() == ["06 03:00:00"]


def test_a_schedule_resumed_just_before_its_time_fires(nightly):
    memory = Memory()
    edit(nightly, enabled=False)
    tick("02:59:59", memory)
    edit(nightly, enabled=True)

    tick("03:00:00.1", memory)

    assert due_times() == ["05 03:00:00"]


def test_a_pause_that_ended_while_no_beat_ran_is_not_made_up_for(nightly):
    edit(nightly, enabled=False)
    tick("02:59")
    edit(nightly, enabled=True)

    tick("12:00")

    assert due_times() == []


def test_a_second_beat_that_lags_undoes_no_notice(nightly):
    edit(nightly, **cron("45 2 * * *"))
    stale = schedule_rows.rows()
    edit(nightly, **cron("40 2 * * *"))
    tick("02:31")

    notice(stale, now=at("02:50"), since=None)

    assert "40 | 2" in ScheduleState.objects.get().pattern
    assert ScheduleState.objects.get().counted_from == at("02:31")


def test_a_row_tells_its_next_due_times_before_and_after_it_was_noticed():
    task = make_schedule(**every(10))
    row = row_of(task.pk)
    assert row is not None
    assert upcoming(row.plan(), T0, 1) == [at("02:30:10")]

    tick(T0)
    tick("02:30:25")

    row = row_of(task.pk)
    assert row is not None
    assert upcoming(row.plan(), at("02:30:25"), 2) == [at("02:30:30"), at("02:30:40")]
    assert row_of(0) is None


def test_a_clock_set_back_stops_nothing(nightly):
    tick("2026-03-01 03:00")
    tick("02:40")

    tick("03:00")

    assert due_times() == ["05 03:00:00", "01 03:00:00"]
