package ktrdr;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The toolkit code that relies on the assumption of a test. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Relies {
    /** Class and method in lib/ktrdr, or a file in templates/. */
    String[] by();

    /** The source in KTRDR: a file below ktrdr/ of its repository. */
    String in();
}
