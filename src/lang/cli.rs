//! Sentences of the command line.

use super::sentences;

sentences! {
    cli_no_terminal() "cabina necesita una terminal. Sin ella: `cabina check` mira una vez y sale; `cabina record` mira sin pantalla." / "cabina needs a terminal. Without one: `cabina check` looks once and exits; `cabina record` watches without a screen."
    cli_no_config() "No encuentro cabina.toml. `cabina init` escribe uno; `cabina demo` muestra cabina sin configurar nada." / "No cabina.toml found. `cabina init` writes one; `cabina demo` shows cabina with nothing to configure."
    cli_dumb_terminal() "Esta terminal (TERM=dumb) no puede mostrar la cabina; usa `cabina check`." / "This terminal (TERM=dumb) cannot show the cockpit; use `cabina check`."
    cli_config_bad(n, file) "{n} errores en {file}:" / "{n} mistakes in {file}:"
    cli_config_bad_one(file) "Un error en {file}:" / "One mistake in {file}:"
    cli_not_yet(sections) "aviso: esta versión todavía no usa {sections}; se ignora" / "warning: this version does not use {sections} yet; ignored"
    board_at(time) "a las {time}" / "at {time}"
    board_no_reasons() "sin motivos" / "no reasons"
    board_blind(what) "ciego: {what}" / "blind: {what}"
    doctor_config(file) "Configuración: {file}" / "Configuration: {file}"
    doctor_default() "de fábrica" / "default"
    doctor_line(n) "línea {n}" / "line {n}"
    doctor_connections() "Conexiones, probadas ahora:" / "Connections, tried now:"
    doctor_costs() "Lo que cada lectura le cuesta al servicio:" / "What each poll costs the service:"
    doctor_cost_check(name, n) "{name}: {n} peticiones por minuto" / "{name}: {n} requests a minute"
    doctor_cost_prometheus(queries, n) "Prometheus: {queries} consultas, {n} veces por minuto; el historial, una vez al abrir" / "Prometheus: {queries} queries, {n} times a minute; history once at start"
    doctor_cost_scrape(url, n) "{url}: {n} lecturas por minuto" / "{url}: {n} reads a minute"
    doctor_cost_sessions(table, n, budget) "{table}: hasta 9 consultas de índice, {n} veces por minuto, cada una cortada por el servidor a los {budget} ms" / "{table}: up to 9 index queries, {n} times a minute, each stopped by the server at {budget} ms"
    doctor_terminal() "Terminal:" / "Terminal:"
    doctor_no_colour() "sin color, por NO_COLOR" / "no colour, because of NO_COLOR"
    doctor_colours(n) "{n} colores" / "{n} colours"
    doctor_no_terminal() "sin pantalla" / "no screen"
    init_exists(file) "{file} ya existe; no lo toco" / "{file} already exists; left alone"
    init_written(file) "escrito: {file}. Revísalo y abre `cabina`." / "written: {file}. Review it and open `cabina`."
    init_found(what) "encontrado: {what}" / "found: {what}"
    init_missing(what) "no contesta: {what}" / "no answer: {what}"
}
