package standin;

/**
 * The intervals of the stand-ins, in milliseconds, so that a test can shorten them.
 *
 * @param poll between two health polls of a worker by the backend
 * @param remove after which a worker that does not answer is removed
 * @param retry between the first two attempts of a worker to register; then doubled each time
 * @param check between two checks of a worker for the last request for its health
 * @param silence after which a worker without requests for its health checks whether the backend still knows it
 * @param reconnect between two attempts of a worker to register at a backend that announced its stop
 * @param dummy length of the sample operation
 * @param backtest length of a backtest
 * @param epoch length of each epoch of a training
 * @param linger how long a worker still reports a training that SIGTERM ended
 * @param follow between two polls of an operation on a worker by the backend
 * @param drain how long a stopping backend answers 503 before it exits
 * @param start from the start of the process until its port is open
 */
public record Pace(long poll, long remove, long retry, long check, long silence, long reconnect, long dummy,
        long backtest, long epoch, long linger, long follow, long drain, long start) {
    /** KTRDR's own where it has them, without its start time of about 8 s: a tag of the practice fleet has that. */
    public static final Pace REAL = new Pace(10_000, 300_000, 1_000, 10_000, 30_000, 2_000, 200_000, 8_000, 1_000,
            20_000, 500, 1_000, 0);

    /** The same with another start time. */
    public Pace starting(long millis) {
        return new Pace(poll, remove, retry, check, silence, reconnect, dummy, backtest, epoch, linger, follow, drain,
                millis);
    }

    /** Waits as long as the libraries take to load. */
    void load() {
        try {
            Thread.sleep(start);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
