// What our dashboards are made of, in Grafana's own types. Of each panel's type its own options are
// taken, where Grafana's `Panel` leaves them open, and of its queries those of Prometheus.
import type {
  AnnotationQuery,
  Dashboard,
  FieldConfig,
  Panel,
  RowPanel,
} from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type { Options } from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import type { GraphFieldConfig, TableFieldOptions, TableOptions } from '@grafana/schema';
// The last version that has it; since then it is in a package under another licence.
import type { PrometheusDataQuery } from './node_modules/grafana-schema-10.4/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen';

type Same<T> = { [K in keyof T]: T[K] };
export type Query = Same<Omit<PrometheusDataQuery, 'datasource'>>;

export type Property = {
  [K in keyof FieldConfig]-?: { id: K; value: Exclude<FieldConfig[K], undefined> };
}[keyof FieldConfig];

interface Drawn<Type extends string, PanelOptions, Custom>
  extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type;
  title: string;
  options: PanelOptions;
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom };
    overrides: {
      matcher: { id: 'byName' | 'byRegexp'; options: string };
      properties: Property[];
    }[];
  };
  targets: Query[];
}

// Grafana's type says of its `target` that it should be a query, and so it is.
interface Annotation extends Omit<AnnotationQuery, 'target'> {
  target: Query;
}

export interface Board extends Omit<Dashboard, 'annotations' | 'panels'> {
  annotations: { list: Annotation[] };
  panels: (
    | Drawn<'timeseries', Same<Options>, GraphFieldConfig>
    | Drawn<'table', TableOptions, TableFieldOptions>
    | RowPanel
  )[];
}
