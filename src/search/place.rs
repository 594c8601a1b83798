//! Circles on the globe, as a plain bounding box that an index serves; the exact distance is the haversine's in SQL.

/// A point and a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    pub lat: f64,
    pub lon: f64,
    /// Up to half the earth's circumference.
    pub radius_km: f64,
}

/// Degrees that contain a circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Box {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
    /// The box lies across the 180th meridian: longitudes from `west` up, or up to `east`.
    pub wraps: bool,
}

/// Kilometres of one degree of latitude, rounded down so that the box is never too small.
const KM_PER_DEGREE: f64 = 111.0;

impl Circle {
    /// The box around the circle.
    #[must_use]
    pub fn bounds(self) -> Box {
        let degrees = self.radius_km / KM_PER_DEGREE;
        let (south, north) = (self.lat - degrees, self.lat + degrees);
        let widest = south.abs().max(north.abs());
        // A circle that contains a pole has every longitude.
        let spread = if widest >= 89.0 { 180.0 } else { degrees / widest.to_radians().cos() };
        if spread >= 180.0 {
            return Box { south, north, west: -180.0, east: 180.0, wraps: false };
        }
        let (west, east) = (self.lon - spread, self.lon + spread);
        if west < -180.0 {
            Box { south, north, west: west + 360.0, east, wraps: true }
        } else if east > 180.0 {
            Box { south, north, west, east: east - 360.0, wraps: true }
        } else {
            Box { south, north, west, east, wraps: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_wraps_at_the_date_line_and_opens_at_the_poles() {
        let fiji = Circle { lat: -17.7, lon: 179.9, radius_km: 50.0 }.bounds();
        assert!(fiji.wraps && fiji.west > 179.0 && fiji.east < -179.0);
        let pole = Circle { lat: 89.5, lon: 0.0, radius_km: 100.0 }.bounds();
        assert_eq!((pole.west, pole.east, pole.wraps), (-180.0, 180.0, false));
        let paris = Circle { lat: 48.85, lon: 2.35, radius_km: 10.0 }.bounds();
        assert!(!paris.wraps && paris.west < 2.35 && paris.east > 2.35 && paris.south < 48.85 && paris.north > 48.85);
    }
}
