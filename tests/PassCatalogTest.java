import static java.util.stream.Collectors.toCollection;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import ktrdr.Json;
import ktrdr.Project;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** {@link EveryProcedureTest} runs each procedure of the catalog. */
class PassCatalogTest {
    /** Catalog entries outside of the pass, and why. */
    private static final Map<String, String> ELSEWHERE = Map.of("takeover", "TakeoverTest", "retire",
            "FirewallFleetTest", "lib", "it is no procedure", "ktrdr", "KtrdrTest",
            "test", "it runs this pass", "bench", "it needs minutes and the fleet to itself",
            "pictures", "it needs a browser; PicturesFleetTest");

    @Test
    void no_procedure_of_the_catalog_is_missing() throws IOException {
        var catalog = new TreeSet<String>();
        var text = Files.readString(Project.root().resolve("jbang-catalog.json"));
        Json.read(text).orElseThrow().path("aliases").fieldNames().forEachRemaining(catalog::add);
        assertTrue(catalog.containsAll(ELSEWHERE.keySet()), catalog::toString);
        catalog.removeAll(ELSEWHERE.keySet());
        var names = Arrays.stream(EveryProcedureTest.class.getDeclaredMethods())
                .map(method -> method.getAnnotation(DisplayName.class)).filter(Objects::nonNull)
                .map(DisplayName::value).map(EveryProcedureTest::named);
        var here = names.collect(toCollection(TreeSet::new));
        assertEquals(catalog, here);
    }
}
