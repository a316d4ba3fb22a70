package ktrdr;

import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/** Prints one line per assumption at the end: which code relies on it, its source in KTRDR, and whether it holds. */
final class ContractTable implements TestWatcher, AfterAllCallback {
    private static final int FOUND = 120;
    private final Map<String, String> rows = new TreeMap<>();

    private void row(ExtensionContext test, String result) {
        rows.put(test.getRequiredTestMethod().getName(), result);
    }

    @Override
    public void testSuccessful(ExtensionContext test) {
        row(test, "holds");
    }

    @Override
    public void testFailed(ExtensionContext test, Throwable why) {
        row(test, "DOES NOT HOLD: " + said(why));
    }

    @Override
    public void testAborted(ExtensionContext test, Throwable why) {
        row(test, "skipped: " + why.getMessage().replaceFirst("^Assumption failed: ", ""));
    }

    /** One line, including the found value of a {@link Problem}. */
    private static String said(Throwable why) {
        var found = why instanceof Problem problem ? Optional.ofNullable(problem.details().get("found"))
                : Optional.<String>empty();
        return Console.brief(String.valueOf(why.getMessage()).replaceFirst(" ==> expected: <true> but was: <false>$",
                "")
                + found.map(": "::concat).orElse(""), FOUND);
    }

    @Override
    public void afterAll(ExtensionContext all) {
        var table = Table.of("assumption", "relied on by", "read in ktrdr/", "");
        var type = all.getRequiredTestClass();
        rows.keySet().stream().sorted(Comparator.comparing(name -> relies(type, name).by()[0])).forEach(name ->
                table.row(name.replace('_', ' '), String.join(", ", relies(type, name).by()), relies(type, name).in(),
                        rows.get(name)));
        new Console(Console.Color.never, false).print(table);
    }

    private static Relies relies(Class<?> type, String name) {
        for (var method : type.getDeclaredMethods())
            if (method.getName().equals(name) && method.isAnnotationPresent(Relies.class))
                return method.getAnnotation(Relies.class);
        throw new IllegalStateException(name + " does not say who relies on it: @Relies");
    }
}
