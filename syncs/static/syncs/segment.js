// Draws the charts of a segment.

import { drawAll } from "../queues/charts.js";

drawAll();
