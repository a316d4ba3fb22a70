package ktrdr;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What of the toolkit takes the claim of a test for granted. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Relies {
    /** Class and method of lib/ktrdr, or a file of templates/. */
    String[] by();

    /** Where it was read in KTRDR: a file below ktrdr/ of its repository. */
    String in();
}
