"""Schedules of other systems: what they say here, and what they cannot."""

from datetime import timedelta
from typing import Any

import pytest

from queues.errors import UnreadableFile
from queues.foreign.entry import Entry, Found, Refusal
from queues.import_schedules import understand


def entries(text: str, **options: str) -> list[Found]:
    """Return what a text says."""
    return understand(text, **{"zone": "Europe/Lisbon", **options})


def entry(text: str, **options: str) -> Entry:
    """Return the one schedule of a text."""
    (found,) = entries(text, **options)
    assert isinstance(found, Entry), found
    return found


def why(text: str, **options: str) -> str:
    """Return why the one thing of a text is no schedule."""
    (found,) = entries(text, **options)
    assert isinstance(found, Refusal), found
    return found.why


def called(found: Entry) -> Any:
    """Return the call that an entry makes."""
    assert found.type == "http-request"
    return found.options["data"]


# ── pg_cron ────────────────────────────────────────────────────────────────────────

FIRST_SYSTEM = """
-- 4. Agendar job para processar mensagens a cada 5 minutos
SELECT cron.schedule(
  'process-pending-messages',      -- o próprio
  '*/5 * * * *',                   -- A cada 5 minutos
  $$
    SELECT enqueue_job(
      'process-messages',
      jsonb_build_object(
        'maxMessages', 50,
        'maxAgeMinutes', 5,
        'priority', 'high'
      ),
      1  -- Prioridade alta
    );
  $$
);

SELECT cron.schedule(
  'cleanup-old-data',
  '0 2 * * *',
  $$
    SELECT enqueue_job(
      'cleanup-old-data',
      jsonb_build_object(
        'olderThanDays', 30,
        'tables', ARRAY['messages', 'conversations']
      ),
      9  -- Prioridade baixa
    );
  $$
);
"""


def test_the_schedules_of_the_first_system_are_read_as_they_stand():
    messages, cleanup = entries(FIRST_SYSTEM)

    assert messages == Entry(
        "process-pending-messages",
        "process-messages",
        {
            "cron": "*/5 * * * *",
            "timezone": "UTC",
            "data": {"maxMessages": 50, "maxAgeMinutes": 5, "priority": "high"},
            "priority": 1,
        },
    )
    assert isinstance(cleanup, Entry)
    assert cleanup.options["data"] == {
        "olderThanDays": 30,
        "tables": ["messages", "conversations"],
    }


def pgcron(command: str, line: str = "* * * * *") -> str:
    """Return a text that schedules a command."""
    return f"select cron.schedule('mine', '{line}', $do${command}$do$);"


def test_a_call_of_pg_net_is_an_http_request_and_a_computed_header_is_told():
    found = entry(
        pgcron(
            """SELECT net.http_post(
            url := 'https://example.com/functions/v1/unheard-of',
            headers := jsonb_build_object(
              'Content-Type', 'application/json',
              'Authorization', 'Bearer ' || current_setting('app.cron_secret', true)
            ),
            body := '{"trigger": "CRON"}'::jsonb,
            timeout_milliseconds := 5000
          ) AS request_id;"""
        )
    )

    assert called(found) == {
        "url": "https://example.com/functions/v1/unheard-of",
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": {"trigger": "CRON"},
        "timeoutSeconds": 5.0,
    }
    assert found.notes == ("add the header Authorization by hand",)


def test_a_path_that_ends_in_a_job_type_is_that_job():
    found = entry(
        pgcron(
            "SELECT net.http_post(url := 'https://x.example/functions/v1/noop',"
            """ headers := '{"Authorization": "Bearer x"}', body := '{"a": 1}'::jsonb)""",
            "*/10 * * * * *",
        )
    )

    assert (found.type, found.options) == (
        "noop",
        {"every": timedelta(seconds=10), "data": {"a": 1}},
    )
    assert found.notes == ("/functions/v1/noop is the job type noop here",)


@pytest.mark.parametrize(
    ("sql", "name", "options"),
    [
        (
            "SELECT cron.schedule('@hourly', 'SELECT enqueue_job(''noop'', ''{}'')')",
            "noop",
            {"cron": "@hourly", "timezone": "UTC", "data": {}},
        ),
        (
            (
                "select cron.schedule(job_name := 'a', schedule := '30 seconds',"
                " command := $$select public.enqueue_job_with_log("
                "'a', 'noop', '{\"n\": [1, -2.5, null, true]}'::jsonb, 3)$$)"
            ),
            "a",
            {
                "every": timedelta(seconds=30),
                "data": {"n": [1, -2.5, None, True]},
                "priority": 3,
            },
        ),
        (
            (
                "SELECT cron.schedule_in_database('it''s', '0 4 * * *', 'SELECT enqueue_job("
                "p_job_type => ''noop'', p_job_data => jsonb_build_object("
                "''a'', jsonb_build_array(1, 2), ''b'', json_build_object()))', 'main')"
            ),
            "it's",
            {"cron": "0 4 * * *", "timezone": "UTC", "data": {"a": [1, 2], "b": {}}},
        ),
    ],
)
def test_each_spelling_of_a_schedule_is_read(sql, name, options):
    found = entry(sql)

    assert (found.name, found.type, found.options) == (name, "noop", options)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (pgcron("DELETE FROM logs"), "SQL of its own"),
        (pgcron("SELECT enqueue_job('a', '{}'); DELETE FROM logs"), "SQL of its own"),
        (pgcron("SELECT 1"), "SQL of its own"),
        (pgcron("SELECT a() + 1"), "SQL of its own"),
        (pgcron("CALL tidy()"), "SQL of its own"),
        (pgcron("SELECT tidy_up()"), "tidy_up(…), which is no job type"),
        (pgcron("SELECT enqueue_job('noop', to_jsonb(now()))"), "computed"),
        (
            pgcron("SELECT enqueue_job('noop', jsonb_build_object('at', now() - '1d'))"),
            "computed",
        ),
        (pgcron("SELECT enqueue_job('noop', '{a'::jsonb)"), "not JSON"),
        (pgcron("SELECT net.http_post(url := a() || 'b')"), "address is computed"),
        (
            pgcron("SELECT net.http_post(url:='http://a.example/', body:=b('{'))"),
            "body is computed",
        ),
        (pgcron("SELECT enqueue_job('noop', '{}')", "0 0 1 * 1"), "one schedule for each"),
        (pgcron("SELECT enqueue_job('noop', '{}')", "0 0 $ * *"), "day of month"),
        ("SELECT cron.schedule(name(), '* * * * *', 'SELECT 1')", "not plain texts"),
        ("SELECT cron.schedule('a', '* * * * *', f())", "command is not a plain text"),
        ("SELECT cron.schedule('a', '* * * * *'", "cannot be read at 'the end'"),
        ("SELECT cron.schedule('a'", "cannot be read"),
    ],
)  # fmt: skip
def test_what_pg_cron_says_and_a_schedule_cannot_is_told(text, reason):
    assert reason in why(text)


def test_what_unschedules_is_told():
    _, undone = entries(
        pgcron("SELECT enqueue_job('noop', '{}')") + "SELECT cron.unschedule('mine');"
    )

    assert isinstance(undone, Refusal)
    assert "only what is scheduled is read" in undone.why


# ── vercel.json ────────────────────────────────────────────────────────────────────


def vercel(*crons: str) -> str:
    """Return a configuration with those crons."""
    return f'{{"framework": "nextjs", "crons": [{", ".join(crons)}]}}'


def test_a_cron_of_vercel_is_a_call_in_utc():
    found = entry(
        vercel('{"path": "/api/digest", "schedule": "0 5 * * *"}'),
        base_url="https://app.example",
    )

    assert called(found) == {"url": "https://app.example/api/digest", "method": "GET"}
    assert (found.name, found.options["timezone"]) == ("vercel /api/digest", "UTC")
    assert "CRON_SECRET" in found.notes[0]


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ('{"path": "/api/digest", "schedule": "0 5 * * *"}', "--base-url"),
        ('{"path": "/api/workers", "schedule": "* * * * *"}', "not needed"),
        ('{"path": "/api/cron/process-queue", "schedule": "* * * * *"}', "not needed"),
        ('{"path": "/x/noop", "schedule": "0 5 * *"}', "five fields"),
        ('{"path": "/x/noop"}', "a path and a schedule"),
        ("7", "a path and a schedule"),
    ],
)
def test_what_vercel_says_and_a_schedule_cannot_is_told(cron, reason):
    assert reason in why(vercel(cron))


# ── crontab ────────────────────────────────────────────────────────────────────────


def test_a_crontab_is_read_in_its_zone_with_its_settings():
    first, second, third = entries(
        "# of the old machine\n"
        "MAILTO=ops@example.com\n"
        "\n"
        "0 3 * * 1-5  /usr/bin/curl -fsSX POST https://a.example/x > /dev/null 2>&1\n"
        "CRON_TZ = 'Asia/Kolkata'\n"
        "@daily cd /srv/app && python manage.py enqueue noop '{\"a\": 1}' --priority 2\n"
        "*/5 * * * * wget -q -O - --header='X-A: b' http://a.example/x\n"
    )

    assert isinstance(first, Entry) and isinstance(second, Entry)  # noqa: PT018
    assert isinstance(third, Entry)
    assert called(first) == {"url": "https://a.example/x", "method": "POST"}
    assert first.options["timezone"] == "Europe/Lisbon"
    assert (second.name, second.type, second.options) == (
        "noop",
        "noop",
        {
            "cron": "@daily",
            "timezone": "Asia/Kolkata",
            "data": {"a": 1},
            "priority": 2,
            "queue": None,
        },
    )
    assert third.name == "a.example/x (2)"
    assert called(third)["headers"] == {"X-A": "b"}


def test_a_call_of_the_fourth_system_keeps_its_address_and_tells_its_variable():
    (refusal,) = entries(
        "* * * * * curl -X POST https://api.example.com/api/workers"
        ' -H "Authorization: Bearer $WORKER_SECRET"'
    )
    found = entry(
        "* * * * * curl -X POST https://api.example.com/api/other -m 9"
        ' -H "Authorization: Bearer $WORKER_SECRET" -d \'{"a": 1}\''
    )

    assert isinstance(refusal, Refusal)
    assert "not needed" in refusal.why
    assert called(found) == {
        "url": "https://api.example.com/api/other",
        "method": "POST",
        "body": {"a": 1},
        "timeoutSeconds": 9.0,
    }
    assert found.notes == ("add the header Authorization by hand",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("@reboot /srv/start", "@reboot is no time"),
        ("* * * * * /srv/backup.sh", "a command of its machine"),
        ("* * * * * echo a | mail b", "more than one command"),
        ("* * * * * curl http://a.example; rm x", "more than one command"),
        ("* * * * * curl http://a.example -d @file", "data is not in the file"),
        ("* * * * * curl http://a.example -d a=1", "not JSON"),
        ("* * * * * curl http://$HOST/", "variables"),
        ("* * * * * curl", "names no address"),
        ("* * * * * curl --socks5 a http://a.example", "arguments"),
        ("* * * * * curl 'http://a.example", "quotation"),
        ("* * * * * wget -q", "required"),
        ("* * * * * mail a%hello", "its input"),
        ("0 0 13 * 5 curl http://a.example", "one schedule for each"),
        ("61 * * * * curl http://a.example", "minute"),
        ("* * * * * python manage.py enqueue noop {a", "Expecting"),
    ],
)
def test_what_a_crontab_says_and_a_schedule_cannot_is_told(line, reason):
    assert reason in why(line)


def test_an_escaped_percent_sign_is_one():
    found = entry('* * * * * wget --post-data=\'{"a": "5\\%"}\' a.example/x')

    assert called(found)["body"] == {"a": "5%"}


# ── Files of no kind ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{}", "[]", "7", "{", "SELECT 1;", "a b c d e f\n", "[" * 10000],
)
def test_a_text_of_no_kind_is_refused(text):
    with pytest.raises(UnreadableFile, match="none of"):
        entries(text)
