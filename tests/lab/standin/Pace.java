package standin;

/**
 * The intervals of the stand-ins, in milliseconds, so that a test can hurry them.
 *
 * @param poll between two health polls of a worker by the backend
 * @param remove after which a worker that does not answer is forgotten
 * @param retry between the first two attempts of a worker to register; from then on twice as long each time
 * @param check between two looks of a worker at how long its health was not asked for
 * @param silence after which a worker whose health was not asked for looks whether the backend still knows it
 * @param reconnect between two attempts of a worker to register at a backend that said that it stops
 * @param dummy length of the sample operation
 * @param backtest length of a backtest
 * @param epoch length of each epoch of a training
 * @param linger how long a worker says that it is at a training which SIGTERM ended
 * @param follow between two looks of the backend at an operation on a worker
 * @param drain how long a stopping backend answers 503 before it goes
 * @param start from the start of the process until its port is open
 */
public record Pace(long poll, long remove, long retry, long check, long silence, long reconnect, long dummy,
        long backtest, long epoch, long linger, long follow, long drain, long start) {
    /**
     * KTRDR's own, where it has them, but for the start, which takes that about 8 s: a tag of the practice fleet is as
     * slow.
     */
    public static final Pace REAL = new Pace(10_000, 300_000, 1_000, 10_000, 30_000, 2_000, 200_000, 8_000, 1_000,
            20_000, 500, 1_000, 0);

    /** The same, but for the start. */
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
