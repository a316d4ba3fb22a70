package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import ktrdr.Project;

/** The scripts of docs/RECIPES.md, as a reader copies them. */
public final class Recipes {
    /** A section: a sentence, the command, the script and its output, in this order. */
    private static final Pattern SECTION =
            Pattern.compile("(?s)\n(\\S[^\n]*)\n\n```sh\n([^\n]+)\n```\n\n```java\n(.*?)```\n\n```text\n(.*?)```\n");

    /** A script; its file has the name of its class. */
    public record Recipe(String name, String sentence, String command, String script, String prints) {}

    private Recipes() {}

    /** All scripts, in the order of the page. */
    public static List<Recipe> all() {
        return SECTION.matcher(page()).results()
                .map(match -> new Recipe(match.group(2).replaceFirst("^jbang (\\w+)\\.java.*", "$1"), match.group(1),
                        match.group(2), match.group(3), match.group(4))).toList();
    }

    /** The page itself. */
    public static String page() {
        try {
            return Files.readString(Project.root().resolve("docs/RECIPES.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
