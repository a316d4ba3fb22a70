import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.Project;
import lab.Recipes;
import org.junit.jupiter.api.Test;

/** docs/RECIPES.md has enough scripts, and each is short, complete, linked and tested. */
class RecipesPageTest {
    @Test
    void there_are_a_dozen_scripts_of_five_to_eighteen_lines() {
        var all = Recipes.all();
        assertTrue(all.size() >= 12, () -> all.size() + " scripts");
        // a section in another format would be skipped
        assertEquals(all.size(), Recipes.page().split("\n## ").length - 1);
        assertEquals(all.size(), Recipes.page().split("\n```java\n").length - 1);
        for (var recipe : all) {
            long lines = recipe.script().lines().filter(line -> !line.startsWith("import ")).count();
            assertTrue(lines >= 5 && lines <= 18, () -> recipe.name() + " has " + lines + " lines");
            assertTrue(recipe.script().lines().allMatch(line -> line.length() <= 180), recipe.name());
        }
    }

    @Test
    void each_is_a_file_of_its_own_that_imports_what_scripts_may() {
        for (var recipe : Recipes.all()) {
            assertTrue(recipe.script()
                    .startsWith("///usr/bin/env jbang \"$0\" \"$@\" ; exit $?\n//SOURCES lib@ktrdr\n"), recipe.name());
            assertTrue(recipe.script().contains("\nclass " + recipe.name() + " implements Callable<Exit> {\n"),
                    recipe.name());
            assertTrue(recipe.command().startsWith("jbang " + recipe.name() + ".java"), recipe.command());
            assertEquals(List.of(), recipe.script().lines().filter(line -> line.startsWith("import "))
                    .filter(line -> !line.matches("import (static )?(java|ktrdr|picocli)\\..*")).toList());
            assertTrue(!recipe.sentence().isBlank() && !recipe.prints().isBlank(), recipe.name());
        }
    }

    @Test
    void each_is_tested_on_the_practice_fleet() {
        var tests = Arrays.stream(RecipesTest.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(method -> method.getName().replaceFirst("_.*", "")).toList();
        assertEquals(List.of(), Recipes.all().stream().map(Recipes.Recipe::name).filter(name -> !tests.contains(name))
                .toList());
    }

    @Test
    void readers_of_the_other_pages_find_it() throws IOException {
        for (var page : Stream.of("README.md", "docs/LIBRARY.md").map(Project.root()::resolve).toList())
            assertTrue(Files.readString(page).contains("RECIPES.md)"), page::toString);
    }
}
