//! The vocabulary of procedures: what a heading opens, and what a label inside a step means, in Spanish and English.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::runbook::Section;
use crate::runbook::words::bare;
use crate::runbook::words::folded;

/// What a heading opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// Steps of a kind.
    Steps(Section),
    /// What must be there first.
    Prerequisites,
    /// When to go back.
    Triggers,
    /// Known problems.
    Troubles,
    /// Whom to call.
    Contacts,
    /// What is no part of the walk: purpose, history, references.
    Aside,
}

/// What a label inside a step opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Label {
    /// What is run; also where no label stands.
    #[default]
    Commands,
    /// What a person is to see.
    Expected,
    /// What says that it worked.
    Validation,
    /// What a machine compares.
    Output,
    /// What to do if it fails.
    IfFails,
    /// What undoes the step.
    Rollback,
    /// How long it takes.
    Duration,
    /// How much it may break.
    Criticality,
    /// Whether there is a way back.
    Undoable,
    /// Whether it only looks.
    Looks,
    /// Whether it takes data away.
    Loses,
    /// The machine that it runs on.
    Host,
    /// The condition on which it is done at all.
    When,
    /// What the signals are to be before it counts as done.
    Until,
    /// How long it may take.
    Timeout,
    /// What it takes down while it runs.
    Outages,
    /// When to go back.
    Triggers,
    /// What is seen of a problem.
    Symptoms,
    /// Why a problem happens.
    Cause,
}

/// What headings begin with, in the order in which they are looked for.
const HEADINGS: [(Area, &[&str]); 10] = [
    (
        Area::Troubles,
        &[
            "troubleshooting",
            "solucion de problemas",
            "problemas comunes",
            "common problems",
            "problemas conocidos",
            "known issues",
            "resolucion de problemas",
        ],
    ),
    (
        Area::Triggers,
        &[
            "cuando ejecutar rollback",
            "cuando hacer rollback",
            "criterios de rollback",
            "when to roll",
            "rollback triggers",
            "rollback criteria",
        ],
    ),
    (
        Area::Prerequisites,
        &[
            "prerequisit",
            "prerrequisit",
            "pre-requisit",
            "pre requisit",
            "requisitos previos",
            "requisitos",
            "requirements",
            "before you begin",
            "before you start",
            "antes de empezar",
        ],
    ),
    (
        Area::Steps(Section::Preflight),
        &[
            "preparacion",
            "pre-flight",
            "preflight",
            "pre flight",
            "pre-ejecucion",
            "pre-execution",
            "verificaciones previas",
            "chequeos previos",
            "pre-check",
            "prechecks",
            "pre-deploy",
            "preparation",
        ],
    ),
    (
        Area::Steps(Section::Post),
        &[
            "post-ejecucion",
            "post ejecucion",
            "postejecucion",
            "post-execution",
            "post execution",
            "post-deploy",
            "despues de la ejecucion",
            "post-procedimiento",
            "limpieza",
            "cleanup",
            "clean-up",
            "clean up",
            "follow-up",
            "afterwards",
        ],
    ),
    (
        Area::Steps(Section::Rollback),
        &[
            "rollback",
            "plan de rollback",
            "roll back",
            "rolling back",
            "reversion",
            "reversa",
            "revertir",
            "abortar",
            "abort",
            "como volver atras",
            "vuelta atras",
            "how to roll back",
            "undo",
            "plan de reversion",
        ],
    ),
    (
        Area::Steps(Section::Validation),
        &[
            "validacion",
            "verificacion",
            "validation",
            "verification",
            "verify",
            "verificar",
            "validar",
            "comprobacion",
            "checking the result",
            "post-checks",
        ],
    ),
    (Area::Contacts, &["contact", "escalamiento", "escalation", "escalado", "escalacion", "on-call"]),
    (
        Area::Steps(Section::Steps),
        &[
            "paso a paso",
            "pasos",
            "procedimiento",
            "ejecucion",
            "procedure",
            "steps",
            "execution",
            "instructions",
            "instrucciones",
            "mitigation",
            "mitigacion",
            "resolution",
            "resolucion",
            "remediation",
            "remediacion",
            "solucion",
            "solution",
            "diagnosis",
            "diagnostico",
            "how to",
            "fix",
            "recovery",
            "recuperacion",
            "restore",
            "restauracion",
            "investigation",
            "investigacion",
            "containment",
            "contencion",
            "eradication",
            "erradicacion",
            "debugging",
            "process",
            "proceso",
            "repair",
        ],
    ),
    (
        Area::Aside,
        &[
            "proposito",
            "purpose",
            "que hace",
            "cuando usar",
            "when to use",
            "cuando no",
            "impacto",
            "impact",
            "meaning",
            "significado",
            "descripcion",
            "description",
            "overview",
            "resumen",
            "summary",
            "objetivo",
            "objective",
            "goal",
            "introduc",
            "background",
            "contexto",
            "context",
            "alcance",
            "scope",
            "referencias",
            "references",
            "additional",
            "notes",
            "notas",
            "anexo",
            "appendix",
            "historial",
            "history",
            "aprobacion",
            "approval",
            "metricas y kpi",
            "metrics",
            "changelog",
            "tabla de contenido",
            "table of contents",
            "indice",
            "glosario",
            "recursos",
            "resources",
            "links",
            "enlaces",
            "severity",
            "riesgos",
            "risks",
            "lecciones",
            "lessons",
            "best practices",
            "mejores practicas",
            "see also",
            "related",
            "evidencia",
            "checklist de finalizacion",
            "criterios de exito",
        ],
    ),
];
/// Headings that are steps as a whole, and begin too many other things.
const WHOLE: [&str; 8] = ["how", "do", "action", "actions", "acciones", "accion", "response", "respuesta"];
/// What short headings may end with: "final validation".
const ENDINGS: [&str; 5] = ["validacion", "verificacion", "validation", "verification", "checks"];
/// Words of a short heading.
const SHORT: usize = 4;

/// What a heading opens; `None` for one that only belongs to what is open.
pub(super) fn area(heading: &str) -> Option<Area> {
    let folded = bare(&folded(heading));
    let found = HEADINGS.iter().find(|(_, words)| words.iter().any(|w| folded.starts_with(w)));
    if let Some((area, _)) = found {
        return Some(*area);
    }
    let short = folded.split(' ').count() <= SHORT;
    match () {
        () if short && folded.contains("rollback") => Some(Area::Steps(Section::Rollback)),
        () if short && ENDINGS.iter().any(|end| folded.ends_with(end)) => Some(Area::Steps(Section::Validation)),
        () if WHOLE.contains(&folded.as_str()) => Some(Area::Steps(Section::Steps)),
        () => None,
    }
}

/// Bytes of the longest label, with room for marks and brackets around it: a sentence is none.
const LONGEST: usize = 80;
/// Labels, each as a whole.
const LABELS: [(Label, &[&str]); 18] = [
    (
        Label::Expected,
        &[
            "resultado esperado",
            "resultados esperados",
            "resultado",
            "esperado",
            "expected",
            "expected result",
            "expected results",
            "expected outcome",
            "criterio de exito",
            "criterios de exito",
            "success criteria",
            "metricas de exito",
            "success metrics",
        ],
    ),
    (
        Label::Output,
        &[
            "salida esperada",
            "output esperado",
            "expected output",
            "salida",
            "output",
            "example output",
            "sample output",
            "ejemplo de salida",
            "salida de ejemplo",
            "returns",
        ],
    ),
    (
        Label::Validation,
        &[
            "validacion",
            "validaciones",
            "validar",
            "verificacion",
            "verificar",
            "verificaciones",
            "validation",
            "validate",
            "verify",
            "verification",
            "check",
            "comprobacion",
            "comprobar",
        ],
    ),
    (
        Label::IfFails,
        &[
            "si falla",
            "si fallo",
            "si esto falla",
            "en caso de fallo",
            "en caso de error",
            "if it fails",
            "if this fails",
            "if fails",
            "if it failed",
            "on failure",
            "if this step fails",
        ],
    ),
    (Label::Undoable, &["rollback disponible", "rollback available", "reversible"]),
    (
        Label::Duration,
        &[
            "duracion",
            "duracion estimada",
            "tiempo",
            "tiempo estimado",
            "duration",
            "estimated duration",
            "estimated time",
            "time",
        ],
    ),
    (Label::Criticality, &["criticidad", "criticality"]),
    (Label::Looks, &["solo lectura", "solo mira", "read-only", "read only", "looks only"]),
    (Label::Loses, &["pierde datos", "destruye datos", "data loss", "loses data", "destroys data"]),
    (Label::Host, &["host", "servidor", "maquina", "machine", "server", "runs on", "se ejecuta en"]),
    (Label::When, &["cuando", "condicion", "when", "condition"]),
    (Label::Until, &["until", "hasta", "hasta que"]),
    (Label::Outages, &["caidas esperadas", "cae", "expected down", "expected outages", "expected marks", "outages"]),
    (Label::Timeout, &["timeout", "tiempo maximo", "maximum time", "time limit"]),
    (
        Label::Commands,
        &[
            "comando",
            "comandos",
            "command",
            "commands",
            "ejecutar",
            "run",
            "accion",
            "acciones",
            "action",
            "actions",
            "solucion",
            "solution",
            "procedimiento",
        ],
    ),
    (Label::Symptoms, &["sintomas", "sintoma", "symptoms", "symptom"]),
    (
        Label::Cause,
        &[
            "causa",
            "causas",
            "causa probable",
            "causas probables",
            "probable cause",
            "cause",
            "root cause",
            "causa raiz",
        ],
    ),
    (Label::Rollback, &["rollback", "step rollback", "reversion", "reversa"]),
];
/// The same by their words: every line of a document asks.
static BY_WORDS: LazyLock<HashMap<&str, Label>> =
    LazyLock::new(|| LABELS.iter().flat_map(|(label, words)| words.iter().map(|w| (*w, *label))).collect());
/// What longer labels begin with.
const LONG_LABELS: [(Label, &[&str]); 2] = [
    (
        Label::Rollback,
        &[
            "rollback de este paso",
            "rollback del paso",
            "rollback of this step",
            "rollback this step",
            "rollback for this step",
            "deshacer",
            "undo",
        ],
    ),
    (
        Label::Triggers,
        &[
            "cuando ejecutar rollback",
            "cuando ejecutar el rollback",
            "cuando hacer rollback",
            "when to roll",
            "rollback triggers",
            "criterios de rollback",
            "rollback criteria",
        ],
    ),
];

/// What a label opens; `None` for words that are no label.
pub(super) fn label(text: &str) -> Option<Label> {
    if text.len() > LONGEST {
        return None;
    }
    let folded = bare(&folded(text));
    let whole = BY_WORDS.get(folded.as_str()).copied();
    let long = || LONG_LABELS.iter().find(|(_, words)| words.iter().any(|w| folded.starts_with(w)));
    whole.or_else(|| long().map(|(label, _)| *label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_two_things() {
        assert_eq!(BY_WORDS.len(), LABELS.iter().map(|(_, words)| words.len()).sum::<usize>());
    }

    #[test]
    fn sections_have_many_names() {
        assert_eq!(area("2. PREPARACIÓN (Pre-Flight Checks)"), Some(Area::Steps(Section::Preflight)));
        assert_eq!(area("✅ Validacion Final"), Some(Area::Steps(Section::Validation)));
        assert_eq!(area("Rollback Completo"), Some(Area::Steps(Section::Rollback)));
        assert_eq!(area("Mitigation"), Some(Area::Steps(Section::Steps)));
        assert_eq!(area("Meaning"), Some(Area::Aside));
        assert_eq!(area("Contactos de Escalamiento"), Some(Area::Contacts));
        assert_eq!(area("Something else"), None);
    }
}
