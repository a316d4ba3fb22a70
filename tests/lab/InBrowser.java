package lab;

import java.nio.file.Path;
import ktrdr.Console;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Tests of pages in their own browser, and a folder for the pages; one class at a time. */
@ResourceLock("browser")
public abstract class InBrowser {
    @TempDir protected static Path folder;
    protected static Browser browser;

    @BeforeAll
    static void a_browser() {
        Browser.obstacle().ifPresent(Assumptions::abort);
        browser = Spent.on(Spent.What.apt, () -> Browser.start(new Console(Console.Color.auto, false)));
    }

    @AfterAll
    static void no_browser() {
        if (browser != null) browser.close();
        browser = null;
    }
}
