package ktrdr;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The one place where values become part of a remote shell script. */
public final class Sh {
    private Sh() {}

    /** A single POSIX shell word for any text: in single quotes, each quote inside closed, escaped and opened again. */
    public static String quote(String text) {
        if (text.indexOf('\0') >= 0) throw Problem.usage("a value sent to a shell may not contain a NUL character");
        if (text.codePoints().anyMatch(codePoint -> Character.getType(codePoint) == Character.SURROGATE))
            throw Problem.usage("a value sent to a shell may not contain half a character");
        return "'" + text.replace("'", "'\\''") + "'";
    }

    /** Several words, each quoted, with a space between. */
    public static String words(List<String> texts) {
        return texts.stream().map(Sh::quote).collect(Collectors.joining(" "));
    }

    /** A variable of the remote shell; the name must be a shell name, the value may be anything. */
    public static String let(String name, String value) {
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]*"))
            throw new IllegalArgumentException("not a shell variable's name: " + name);
        return name + "=" + quote(value) + "\n";
    }

    /**
     * Lines that have commands run when the script ends, by itself or by a signal such as that of a connection that was
     * cut; after kill -9 they are not.
     *
     * @param commands one line without single quotes, in which none fails
     */
    public static String atEnd(String commands) {
        return "trap 'trap \"\" HUP INT TERM PIPE; " + commands + "' EXIT\ntrap 'exit 130' HUP INT TERM PIPE\n";
    }

    /**
     * Lines that make a folder for the script alone, which {@link #atEnd} is to remove; those of scripts that were
     * killed are removed first. {@link ScriptExit#NOT_WRITTEN} where none can be made.
     *
     * @param variable that has its path then
     * @param stem a word of the shell: the path but for the process and the letters behind it
     */
    public static String folder(String variable, String stem) {
        return "for left in " + stem + ".*.??????; do\n" + """
                  owner=${left%.*}
                  owner=${owner##*.}
                  case $owner in *[!0-9]*) ;; *) [ -d "/proc/$owner" ] || rm -rf "$left" 2>/dev/null || : ;; esac
                done
                """
                // a signal has to find the variable set, or no folder
                + variable + "=$(trap '' HUP INT TERM PIPE; mktemp -d " + stem + ".$$.XXXXXX) || exit " +
                ScriptExit.NOT_WRITTEN.code + "\n";
    }

    /**
     * A script that is run whole or not at all. The shell reads its standard input as it goes, so a connection cut in
     * the middle would run the first half; inside braces nothing runs before the closing one was read (POSIX, 2.9.4.1).
     * Standard input of the commands inside is empty, so none of them can swallow the rest of the script.
     */
    public static String whole(String script) {
        return "{\nset -eu\n" + script + "\nexit 0\n} </dev/null\n";
    }

    /**
     * What a script keeps of the environment that a host gives it: where programs are, whose it is, how it writes, and
     * the way out to a registry. Everything else may decide what Compose makes.
     */
    private static final List<String> KEPT = List.of("HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ",
            "SUDO_USER", "SSH_CONNECTION", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE");
    private static final List<String> PROXIES = List.of("http_proxy", "https_proxy", "no_proxy", "all_proxy",
            "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY");
    /** A login without a terminal may lack those of root. */
    private static final String FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";
    /** The host's own Engine, whatever Docker context its user chose. */
    private static final String CONTEXT = "DOCKER_CONTEXT=default";

    /** The beginning of the command of a unit of systemd, whose manager may have variables for all of them. */
    public static final String UNIT = "/usr/bin/env -i PATH=" + FOLDERS + " HOME=/root LANG=C.UTF-8 " + CONTEXT;

    /**
     * Shell lines that define {@code kept}: lines that make this environment in a shell that has none. Never in argv,
     * since a proxy's address may have a password.
     */
    private static final String KEEP = """
            kept='export %3$s; umask 022
            '
            mark="'"
            keep() {
              rest=$2 word=
              while case $rest in *"$mark"*) ;; *) false ;; esac; do
                word="$word${rest%%%%"$mark"*}'\\\\''"
                rest=${rest#*"$mark"}
              done
              kept="${kept}export $1='$word$rest'
            "
            }
            keep PATH "${PATH:+$PATH:}%2$s"
            for name in %1$s; do eval "[ -z \\"\\${$name+set}\\" ] || keep $name \\"\\$$name\\""; done
            """.formatted(Stream.concat(KEPT.stream(), PROXIES.stream()).collect(Collectors.joining(" ")), FOLDERS,
                    CONTEXT);

    /** Shell words that take from the environment what Compose has no use for: it asks no registry. */
    public static final String NO_PROXIES = "unset " + String.join(" ", PROXIES);

    /** The names that have a value in the environment that the toolkit makes for Compose, or may have one. */
    public static Set<String> environment() {
        return Stream.concat(KEPT.stream(), Stream.of("PATH", "PWD", "OLDPWD", "SHLVL", "DOCKER_CONTEXT"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * A command line that runs a short script in the environment that the toolkit makes, without proxies, with the
     * input that it is given.
     */
    public static String alone(String script) {
        return "exec env -i " + CONTEXT + " \"PATH=${PATH:+$PATH:}" + FOLDERS
                + "\" \"HOME=${HOME-}\" \"LANG=${LANG-C}\" /bin/sh -c " + quote("set -eu\numask 022\n" + script);
    }

    /**
     * A script for the standard input of {@code sh -s} that is run whole or not at all, and that ends when that input
     * ends: the sender keeps the input open for as long as the script may run.
     *
     * The script travels as one quoted word, so a piece of it is never a command. It runs in a process group of its own
     * ({@code setsid}), which gets TERM when the input ends and KILL ten seconds later; without setsid, or before it
     * has run, the shell itself gets them. The toolkit makes its environment: variables that a host sets at login
     * ({@code /etc/environment}, startup files of a shell) would override the files that Compose is given. It reaches
     * its shell through a pipe of the builtin printf: never argv, the environment or a file; nor does it get to a disk
     * by a core dump of any of these shells, or of what they start.
     */
    public static String tethered(String script) {
        return "{\nulimit -c 0 2>/dev/null || :\nscript=" + quote(whole(script)) + """

                alone='' group=''
                if command -v setsid >/dev/null 2>&1; then alone=setsid group=-; fi
                """ + KEEP + """
                exec 3<&0 </dev/null
                printf '%s\\n' "$kept" "$script" | $alone env -i /bin/sh -s 3<&- &
                job=$!
                unset script kept rest word mark
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
