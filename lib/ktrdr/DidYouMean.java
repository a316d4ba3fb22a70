package ktrdr;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** The known word that a mistyped one is close to. */
public final class DidYouMean {
    private static final int CLOSE = 2;

    private DidYouMean() {}

    /** The nearest of the words, where it is at most two edits away and fewer than the word has letters. */
    public static Optional<String> of(String typed, Collection<String> known) {
        var word = typed.toLowerCase(Locale.ROOT);
        return known.stream().distinct()
                .filter(text -> distance(word, text.toLowerCase(Locale.ROOT)) <= Math.min(CLOSE, typed.length() - 1))
                .min(Comparator.comparingInt(text -> distance(word, text.toLowerCase(Locale.ROOT))));
    }

    /** The end of a sentence about it: "; did you mean backend?", or nothing if no word is near. */
    public static String ask(String typed, Collection<String> known) {
        return of(typed, known).map(near -> "; did you mean " + near + "?").orElse("");
    }

    /** Damerau-Levenshtein distance with adjacent transpositions ("optimal string alignment"). */
    static int distance(String a, String b) {
        var d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) d[i][0] = i;
        for (int j = 0; j <= b.length(); j++) d[0][j] = j;
        for (int i = 1; i <= a.length(); i++)
            for (int j = 1; j <= b.length(); j++) {
                int replace = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(replace, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1))
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
            }
        return d[a.length()][b.length()];
    }
}
