package ktrdr;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Polls until the answer is good or the time is over. The time begins with the constructor, and all polls share it. */
public final class Waiting {
    private final long started = System.nanoTime();
    private final Duration patience;
    private final long pauseMillis;
    private final Supplier<Problem> interrupted;

    /** @param interrupted the sentence of the {@link Problem} that an interrupt is */
    public Waiting(Duration patience, long pauseMillis, String interrupted) {
        this(patience, pauseMillis, () -> Problem.interrupted(interrupted));
    }

    /** The same, with the {@link Problem} made when it is thrown. */
    public Waiting(Duration patience, long pauseMillis, Supplier<Problem> interrupted) {
        this.patience = patience;
        this.pauseMillis = pauseMillis;
        this.interrupted = interrupted;
    }

    /** The first good answer, or the last one when the time is over; it asks once in any case. */
    public <T> T until(Supplier<T> ask, Predicate<T> good) {
        return until(ask, good, answer -> { });
    }

    /** The same; {@code meanwhile} gets each answer after which it asks again. */
    public <T> T until(Supplier<T> ask, Predicate<T> good, Consumer<T> meanwhile) {
        while (true) {
            var answer = ask.get();
            if (good.test(answer) || over()) return answer;
            meanwhile.accept(answer);
            pause();
        }
    }

    /** Whether the time is over. */
    public boolean over() {
        return passed(patience);
    }

    /** Whether so much time has passed. */
    public boolean passed(Duration time) {
        return System.nanoTime() - started >= time.toNanos();
    }

    /** Sleeps until it is time to ask again. */
    public void pause() {
        Threads.pause(pauseMillis, interrupted);
    }
}
