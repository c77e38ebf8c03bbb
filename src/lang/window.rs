//! Sentences about the window after a deploy.

use super::sentences;

sentences! {
    window_too_short() "una ventana dura al menos 10 s; escribe por ejemplo --for 5m" / "a window is at least 10 s long; write for instance --for 5m"
    window_offset_within() "--offset tiene que ser al menos tan largo como la ventana: si no, se compararía consigo misma" / "--offset must be at least as long as the window: else it would be compared with itself"
    window_begins(length, what) "empieza la ventana de {length} tras {what}" / "the window of {length} after {what} begins"
    window_a_change() "el cambio" / "the change"
    window_progress(verdict, left, why) "{verdict} por ahora, quedan {left}. {why}" / "{verdict} so far, {left} left. {why}"
    window_title(what, verdict) "Ventana tras {what}: {verdict}" / "Window after {what}: {verdict}"
    window_spans(from, to, since, until) "De {from} a {to}, comparada con {since} a {until}." / "From {from} to {to}, compared with {since} to {until}."
    window_table() "| señal | veredicto | antes | n | ahora | n |" / "| signal | verdict | before | n | now | n |"
    window_ended_early() "se terminó antes de tiempo: no es un visto bueno" / "it was ended early: this is not a pass"
    window_as_before() "como antes, dentro de lo que da el azar" / "as before, within chance"
    window_tolerated() "igual o mejor, o dentro de lo tolerado" / "the same or better, or within what is tolerated"
    window_still_none() "ningún fallo antes, ninguno ahora" / "no failure before, none now"
    window_few_from_none(failed) "antes no fallaba nada; ahora {failed}, que puede ser azar" / "nothing failed before; {failed} now, which may be chance"
    window_from_none(failed) "antes no fallaba nada; ahora {failed}" / "nothing failed before; {failed} now"
    window_worse(times) "peor que antes: {times} veces" / "worse than before: {times} times"
    window_much_worse() "mucho peor que antes" / "much worse than before"
    window_maybe_worse(times) "{times} veces lo de antes; puede ser azar" / "{times} times what it was; it may be chance"
    window_beyond(limit) "pasa de su límite, {limit}" / "beyond its limit, {limit}"
    window_beyond_before(limit) "pasa de su límite, {limit}, como ya pasaba antes" / "beyond its limit, {limit}, as it was before"
    window_unseen(times) "con lo que se ha visto podría ser hasta {times} veces lo de antes: no es un visto bueno" / "by what was seen it could be up to {times} times what it was: this is not a pass"
    window_few_now(n, wanted) "solo {n} (mínimo {wanted}): no es un visto bueno" / "only {n} ({wanted} needed): this is not a pass"
    window_few_before(n, wanted) "solo {n} antes (mínimo {wanted}): no hay con qué comparar" / "only {n} before ({wanted} needed): nothing to compare with"
    window_nothing_now() "no hay datos ahora: no es un visto bueno" / "no data now: this is not a pass"
    window_nothing_before() "no hay datos de antes: no hay con qué comparar" / "no data from before: nothing to compare with"
    window_unmeasured(why) "no se pudo medir ({why}): no es un visto bueno" / "it could not be measured ({why}): this is not a pass"
    window_gap() "faltan datos de parte de la ventana: no es un visto bueno" / "data of a part of the window is missing: this is not a pass"
    window_unread() "todavía no se ha leído" / "not read yet"
    window_no_server() "nadie sabe lo de antes: hace falta [prometheus]" / "nobody knows what was before: [prometheus] is needed"
}
