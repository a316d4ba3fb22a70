package ktrdr.backup;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import ktrdr.Facts;
import ktrdr.Sh;
import ktrdr.Units;

/**
 * The state of core's own backups in systemd.
 *
 * @param at the time of day, such as 02:00, in the zone of core
 * @param active whether the timer is active
 * @param next time of the next run
 * @param failed systemd's word for how the last run failed, such as exit-code (systemd.service(5)); empty if it did not
 * @param ended when the last run ended
 * @param written when the timer was written
 */
public record BackupSchedule(String at, boolean active, Optional<Instant> next, String failed, Optional<Instant> ended,
        Instant written) {
    public static final String UNIT = "ktrdr-backup";
    static final String TIMER = "/etc/systemd/system/" + UNIT + ".timer";
    /** A day, and two hours for making it. */
    private static final Duration OLDEST = Duration.ofHours(26);

    /** Shell lines that say it; nothing, and at no cost, without a timer. They need {@link Facts#SAY}. */
    public static final String LOOK = Sh.let("timer", TIMER) + """
            since() {
              # a run that fails at once may end within the second of a good backup; before systemd 247 a second is \
            all that is known
              moment=$(TZ=UTC systemctl show --timestamp=us --value -p "$2" "$1" 2>/dev/null || TZ=UTC systemctl show \
            --value -p "$2" "$1")
              [ -z "$moment" ] || date -u -d "$moment" +%s%3N 2>/dev/null || :
            }
            if [ -f "$timer" ] && [ -d /run/systemd/system ]; then
              say timer-at "$(sed -n 's/^OnCalendar=\\*-\\*-\\* \\(.*\\):00$/\\1/p' "$timer")"
              say timer-written "$(stat -c %Y "$timer")"
              say timer-state "$(systemctl is-active ktrdr-backup.timer || :)"
              say timer-next "$(since ktrdr-backup.timer NextElapseUSecRealtime)"
              say timer-ended "$(since ktrdr-backup.service InactiveEnterTimestamp)"
              say timer-result "$(systemctl show --value -p Result ktrdr-backup.service)"
            fi
            """;

    /** Empty without a timer. */
    public static Optional<BackupSchedule> parse(Facts facts) {
        if (facts.number("timer-written") < 0) return Optional.empty();
        var result = facts.get("timer-result");
        return Optional.of(new BackupSchedule(facts.get("timer-at"), facts.get("timer-state").equals("active"),
                moment(facts, "timer-next"),
                result.equals("success") ? "" : result, moment(facts, "timer-ended"),
                Instant.ofEpochSecond(facts.number("timer-written"))));
    }

    private static Optional<Instant> moment(Facts facts, String name) {
        long millis = facts.number(name);
        return millis < 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
    }

    /**
     * What is wrong at this moment of core's clock; empty if all is well. A failed run does not count after a newer
     * backup.
     *
     * @param last when the newest complete backup was written
     */
    public Optional<String> wrong(Instant now, Optional<Instant> last) {
        if (!failed.isEmpty() && (last.isEmpty() || ended.isEmpty() || last.get().isBefore(ended.get())))
            return Optional.of("the last run of " + UNIT + ".service failed (" + failed + ")"
                    + ended.map(end -> " at " + end.truncatedTo(ChronoUnit.SECONDS)).orElse(""));
        if (!active) return Optional.of(UNIT + ".timer is not active");
        var due = now.minus(OLDEST);
        if (written.isAfter(due) || last.filter(due::isBefore).isPresent()) return Optional.empty();
        return Optional.of(last.map(time -> "the newest is " + Units.duration(Duration.between(time, now)) + " old")
                .orElse("there is none"));
    }
}
