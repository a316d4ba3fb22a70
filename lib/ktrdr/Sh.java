package ktrdr;

import java.util.List;
import java.util.stream.Collectors;

/** The one place where values become part of a remote shell script. */
public final class Sh {
    private Sh() {}

    /** A single POSIX shell word for any text: in single quotes, each quote inside closed, escaped and opened again. */
    public static String quote(String text) {
        if (text.indexOf('\0') >= 0) throw Problem.usage("a value sent to a shell may not contain a NUL character");
        if (text.codePoints().anyMatch(one -> Character.getType(one) == Character.SURROGATE)) throw Problem.usage("a value sent to a shell may not contain half a character");
        return "'" + text.replace("'", "'\\''") + "'";
    }

    /** Several words, each quoted, with a space between. */
    public static String words(List<String> texts) {
        return texts.stream().map(Sh::quote).collect(Collectors.joining(" "));
    }

    /** A variable of the remote shell; the name must be a shell name, the value may be anything. */
    public static String let(String name, String value) {
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) throw new IllegalArgumentException("not a shell variable's name: " + name);
        return name + "=" + quote(value) + "\n";
    }

    /**
     * Lines that have commands run when the script ends, by itself or by a signal such as that of a connection that was cut; after kill -9 they are not.
     *
     * @param commands one line without single quotes, in which none fails
     */
    static String atEnd(String commands) {
        return "trap 'trap \"\" HUP INT TERM PIPE; " + commands + "' EXIT\ntrap 'exit 130' HUP INT TERM PIPE\n";
    }

    /**
     * Lines that make a folder for the script alone, which {@link #atEnd} is to remove; those of scripts that were killed are removed first. Exit code 20 where none can be made.
     *
     * @param variable that has its path then
     * @param stem a word of the shell: the path but for the process and the letters behind it
     */
    static String folder(String variable, String stem) {
        return "for left in " + stem + ".*.??????; do\n" + """
                  owner=${left%.*}
                  owner=${owner##*.}
                  case $owner in *[!0-9]*) ;; *) [ -d "/proc/$owner" ] || rm -rf "$left" 2>/dev/null || : ;; esac
                done
                """
                // a signal has to find the variable set, or no folder
                + variable + "=$(trap '' HUP INT TERM PIPE; mktemp -d " + stem + ".$$.XXXXXX) || exit 20\n";
    }

    /**
     * A script that is run whole or not at all. The shell reads its standard input as it goes, so a connection cut in the
     * middle would run the first half; inside braces nothing runs before the closing one was read (POSIX, 2.9.4.1).
     * Standard input of the commands inside is empty, so none of them can swallow the rest of the script.
     */
    public static String whole(String script) {
        return "{\nset -eu\n" + script + "\nexit 0\n} </dev/null\n";
    }

    /**
     * A script for the standard input of {@code sh -s} that is run whole or not at all, and that ends when that input ends:
     * whoever sends it keeps the input open for as long as the script may run.
     *
     * The script travels as one quoted word, so a piece of it is never a command. It runs in a process group of its own
     * ({@code setsid}; where there is none, or it has not happened yet, the shell itself is meant), which gets TERM when the
     * input ends and KILL ten seconds later. It reaches its shell through a pipe of the builtin printf: never argv, the environment or a file; nor does it
     * get to a disk by a core dump of any of these shells, or of what they start.
     */
    public static String tethered(String script) {
        return "{\nulimit -c 0 2>/dev/null || :\nscript=" + quote(whole(script)) + """

                alone='' group=''
                if command -v setsid >/dev/null 2>&1; then alone=setsid group=-; fi
                exec 3<&0 </dev/null
                printf '%s\\n' "$script" | $alone sh -s 3<&- &
                job=$!
                unset script
                (
                  while read -r _; do :; done
                  trap '' TERM
                  tell() { kill -s "$1" -- "$group$job" || kill -s "$1" "$job"; }
                  tell TERM || exit 0
                  for _ in 1 2 3 4 5 6 7 8 9 10; do
                    sleep 1
                    tell 0 || exit 0
                  done
                  tell KILL
                ) <&3 >/dev/null 2>&1 3<&- &
                watch=$!
                exec 3<&-
                code=0
                wait "$job" || code=$?
                kill "$watch" 2>/dev/null || :
                exit "$code"
                }
                """;
    }
}
