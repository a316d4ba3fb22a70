package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Finds the line in the log of a stopped container that explains the failure. */
class LastWordsTest {
    @Test
    void of_a_traceback_it_is_the_exception_and_what_it_says() {
        assertEquals("""
                pydantic_core._pydantic_core.ValidationError: 1 validation error for APISettings
                environment
                  Value error, Environment must be one of ['development', 'staging', 'production'], got 'preprod'
                    For further information visit https://errors.pydantic.dev/2.10/v/value_error""", LastWords.of("""
                INFO:     Started
                Traceback (most recent call last):
                  File "/usr/lib/python3.11/runpy.py", line 198, in _run_module_as_main
                    return _run_code(code, main_globals, None,
                pydantic_core._pydantic_core.ValidationError: 1 validation error for APISettings
                environment
                  Value error, Environment must be one of ['development', 'staging', 'production'], got 'preprod'
                    For further information visit https://errors.pydantic.dev/2.10/v/value_error

                """));
    }

    @Test
    void finds_the_cause_before_shutdown_messages_and_tells_it_once() {
        var end = """
                Traceback (most recent call last):
                  File "/app/ktrdr/api/startup.py", line 12, in lifespan
                    raise RuntimeError(word)
                RuntimeError: no table named operations

                ERROR:    Application startup failed. Exiting.
                INFO:     closed
                """;
        assertEquals("RuntimeError: no table named operations", LastWords.of(end.repeat(4)));
        assertEquals("ModuleNotFoundError: No module named 'torch'",
                LastWords.of("ModuleNotFoundError: No module named 'torch'\n".repeat(5)));
    }

    @Test
    void of_two_chained_exceptions_it_takes_the_last() {
        assertEquals("sqlalchemy.exc.OperationalError: connection failed", LastWords.of("""
                psycopg.errors.InvalidPassword: no
                The above exception was the direct cause of the following exception:
                Traceback (most recent call last):
                  File "a.py", line 1, in b
                sqlalchemy.exc.OperationalError: connection failed
                """));
        assertEquals("Caused by: java.net.BindException: Address already in use", LastWords.of("""
                Exception in thread "main" java.lang.IllegalStateException: no server
                \tat a.B.c(B.java:1)
                Caused by: java.net.BindException: Address already in use
                \tat a.B.d(B.java:2)
                """));
    }

    @Test
    void without_an_exception_it_is_the_last_line_that_complains() {
        assertEquals("2026-01-01 FATAL:  database files are incompatible with server",
                LastWords.of("LOG: starting\n2026-01-01 FATAL:  database files are incompatible with server\nLOG:  "
                        + "shut down\n"));
        assertEquals("/entrypoint.sh: 3: exec: uvicorn: Permission denied",
                LastWords.of("hello\n/entrypoint.sh: 3: exec: uvicorn: Permission denied\n"));
    }

    @Test
    void where_nothing_complains_it_is_the_last_ten_lines() {
        var lines = IntStream.rangeClosed(1, 30).mapToObj(i -> "line " + i).toList();
        assertEquals(lines.stream().skip(20).collect(Collectors.joining("\n")),
                LastWords.of(String.join("\n", lines) + "\n"));
        assertEquals("", LastWords.of("\n"));
    }
}
