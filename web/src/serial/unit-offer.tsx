// The units that fields offer while one types: SenML's codes of what sensors on a wire usually measure. One a page.
import { unitSymbol } from '../../../gateway/protocol/units.ts';

const CODES =
  'Cel K %RH % hPa kPa bar m/s km/h kn deg m mm V mV A mA W kW kWh Hz Ohm S/m pH lx W/m2 ppm ug/m3 l/min m3/h m3 l kg N rpm dB count lat lon s'.split(
    ' ',
  );

export function UnitOffer() {
  return (
    <datalist id="units">
      {CODES.map((code) => {
        const symbol = unitSymbol(code);
        return <option key={code} value={code} label={symbol === code ? '' : symbol} />;
      })}
    </datalist>
  );
}
