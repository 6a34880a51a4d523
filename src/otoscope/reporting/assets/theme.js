"use strict";
window.otoscope = { data: {} };
