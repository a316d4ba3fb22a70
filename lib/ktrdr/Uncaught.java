package ktrdr;

/**
 * What becomes of a {@link Problem} that nothing catches, as in a script of a few lines without {@link Cli}: its
 * sentence and its exit code, instead of a stack trace and 1.
 *
 * A program that has an {@link Thread.UncaughtExceptionHandler} of its own keeps it, and any other exception ends a
 * thread as ever.
 */
final class Uncaught {
    private static final String MAIN = "main";

    private Uncaught() {}

    /** From now on a problem that ends a thread is reported; that of the main thread ends the process. */
    static void told() {
        if (Thread.getDefaultUncaughtExceptionHandler() == null)
            Thread.setDefaultUncaughtExceptionHandler(Uncaught::ended);
    }

    private static void ended(Thread thread, Throwable thrown) {
        var err = Invocation.ofProcess().err();
        if (thrown instanceof Problem problem) {
            problem.lines().forEach(line -> err.println(Console.harmless(line)));
            if (thread.getName().equals(MAIN)) System.exit(problem.exit().code);
        } else {
            err.print("Exception in thread \"" + thread.getName() + "\" ");
            thrown.printStackTrace(err);
        }
    }
}
